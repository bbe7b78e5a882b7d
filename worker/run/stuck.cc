#include "worker/run/stuck.h"

namespace storm::worker {

std::string stuck_components(const std::vector<Executor*>& executors) {
    std::string text;
    for (const Executor* const executor : executors)
        text += (text.empty() ? "" : " or ") + executor->named();
    return text.empty() ? "some component" : text;
}

}  // namespace storm::worker
