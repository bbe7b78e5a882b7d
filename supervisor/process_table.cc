#include "supervisor/process_table.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "base/files.h"
#include "base/process_stat.h"
#include "supervisor/limits.h"

namespace storm::supervisor {
namespace {

namespace fs = std::filesystem;

/// Parent of the kernel's own processes, and one of them.
constexpr pid_t kKernel = 2;

std::optional<std::string> read(pid_t pid, const char* file, std::size_t bytes_max) {
    auto text = base::read_small_file("/proc/" + std::to_string(pid) + '/' + file, bytes_max);
    if (!text) return std::nullopt;
    return std::move(text).value();
}

template <typename Number>
std::optional<Number> number_at(std::string_view text, std::size_t at) {
    Number number{};
    if (at > text.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    return number;
}

std::optional<Process> status_of(pid_t pid) {
    const auto line = read(pid, "stat", kSmallFileBytesMax);
    const auto stat = line ? base::parse_process_stat(*line) : std::nullopt;
    if (!stat) return std::nullopt;
    Process found;
    found.pid = pid;
    found.parent = stat->parent;
    found.session = stat->session;
    found.start_time = stat->start_time;
    found.has_ended = stat->state == 'Z' || stat->state == 'X';
    return found;
}

/// The process may end between two reads. Unknown marks fit no worker, and unknown privileges are
/// no worker's, so that spares it.
void add_more(Process& process) {
    if (const auto environment = read(process.pid, "environ", kEnvironmentBytesMax)) {
        process.marks = marks_in(*environment);
    }
    const auto status = read(process.pid, "status", kSmallFileBytesMax);
    if (!status) return;
    constexpr std::string_view kUser = "\nUid:\t";
    const std::size_t at = status->find(kUser);
    if (at != std::string::npos) process.user = number_at<uid_t>(*status, at + kUser.size());
    process.is_without_privileges = status->find("\nNoNewPrivs:\t1") != std::string::npos;
}

}  // namespace

EnvironmentMarks marks_in(std::string_view environment) {
    EnvironmentMarks marks;
    const auto take = [](std::string_view variable, std::string_view name, std::string& value) {
        if (value.empty() && variable.starts_with(name)) value = variable.substr(name.size());
    };
    while (!environment.empty()) {
        const std::size_t end = std::min(environment.find('\0'), environment.size());
        const std::string_view variable = environment.substr(0, end);
        environment.remove_prefix(std::min(end + 1, environment.size()));
        take(variable, "STORM_TOPOLOGY_ID=", marks.topology);
        take(variable, "STORM_WORKER=", marks.worker);
        take(variable, "STORM_WORKER_PORT=", marks.port);
        take(variable, "STORM_SUPERVISOR_HOME=", marks.home);
    }
    return marks;
}

std::vector<Process> all_processes() {
    std::vector<Process> all;
    std::error_code ended;
    for (fs::directory_iterator entry("/proc", ended), none; entry != none;
         entry.increment(ended)) {
        const std::string name = entry->path().filename().string();
        pid_t pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc() || end != name.data() + name.size() || pid == ::getpid()) continue;
        auto found = status_of(pid);
        if (!found || found->pid == kKernel || found->parent == kKernel) continue;
        if (!found->has_ended) add_more(*found);
        all.push_back(*std::move(found));
    }
    return all;
}

std::optional<std::uint64_t> start_time_of(pid_t pid) {
    const auto found = status_of(pid);
    if (!found) return std::nullopt;
    return found->start_time;
}

std::string boot_id() {
    constexpr std::size_t kBytesMax = 64;
    const auto text = base::read_small_file("/proc/sys/kernel/random/boot_id", kBytesMax);
    return text ? text->substr(0, text->find('\n')) : std::string();
}

}  // namespace storm::supervisor
