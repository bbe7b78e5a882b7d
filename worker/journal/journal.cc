#include "worker/journal/journal.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/log.h"

namespace storm::worker {

Journal::Journal(const std::string& dir, std::string_view component, TaskId task,
                 std::uint64_t epoch, const base::Clock& clock)
    : clock_(clock) {
    std::error_code ignored;
    std::filesystem::create_directories(dir, ignored);
    std::string name(component);
    for (char& c : name) {
        if (c == '/') c = '_';
    }
    path_ = dir + '/' + name + '-' + std::to_string(task) + '-' + std::to_string(epoch) + ".jsonl";
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file_ < 0) {
        throw std::runtime_error("cannot write journal \"" + path_ + "\": " + std::strerror(errno) +
                                 "\n  hint: topology.journal.dir");
    }
    tail_ = R"(,"component":)" + nlohmann::json(component).dump() + R"(,"task":)" +
            std::to_string(task) + R"(,"epoch":)" + std::to_string(epoch) + R"(,"root":)";
}

Journal::~Journal() {
    ::close(file_);
}

// One write() for each line, on a file that is only appended to: a killed process leaves whole
// lines. A line that cannot be written is logged, and the run goes on as it would without a
// journal.
void Journal::write(std::string_view kind, Root root, std::string_view rest) {
    std::string line = R"({"t_us":)" + std::to_string(clock_.now()) + R"(,"kind":")";
    line.append(kind).append("\"").append(tail_).append(std::to_string(root)).append(rest);
    line += "}\n";
    if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        base::log::error("cannot write to the journal",
                         {{"file", path_}, {"why", std::strerror(errno)}});
    }
}

// Attempts tell the replays of one id apart. They are forgotten with its ack, so that what is kept
// is bounded by what has not been acked.
void Journal::emit(Root root, MessageId message) {
    const std::uint64_t attempt = ++attempts_[message];
    write("emit", root,
          R"(,"id":)" + std::to_string(message) + R"(,"attempt":)" + std::to_string(attempt));
}

void Journal::settled(std::string_view what, Root root, MessageId message) {
    const auto found = attempts_.find(message);
    const std::uint64_t attempt = found == attempts_.end() ? 0 : found->second;
    write(what, root,
          R"(,"id":)" + std::to_string(message) + R"(,"attempt":)" + std::to_string(attempt));
    if (what == "ack") attempts_.erase(message);
}

void Journal::bolt(std::string_view what, Root root) {
    write(what, root, "");
}

}  // namespace storm::worker
