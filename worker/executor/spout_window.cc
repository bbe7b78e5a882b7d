#include "worker/executor/spout_window.h"

namespace storm::worker {

SpoutWindow::SpoutWindow(base::Micros timeout, std::uint32_t most)
    : timeout_(timeout), most_(most), limit_(most) {}

void SpoutWindow::due(base::Micros) {}

}  // namespace storm::worker
