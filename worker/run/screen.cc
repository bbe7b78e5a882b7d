#include "worker/run/screen.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

namespace storm::worker {
namespace {

// Sequences of the VT100 and all later terminals.
constexpr std::string_view kSaveCursor = "\0337";
constexpr std::string_view kRestoreCursor = "\0338";
constexpr std::string_view kDown = "\033D";  // Scrolls at the bottom.
constexpr std::string_view kClearLine = "\033[2K";
// Makes all rows scroll again, which moves the cursor; then clears everything below it.
constexpr std::string_view kGiveBack = "\0337\033[r\0338\033[J";

constexpr std::size_t kRowsLeftMin = 4;  // Least number of rows for what scrolls.

// A global, for the end of a process that does not return here.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<bool> in_use{false};

void write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = write(STDERR_FILENO, text.data(), text.size());
        if (count <= 0) return;  // A terminal that is gone needs no status.
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

void give_back_and_die(int signal) {
    write_all(kGiveBack);
    raise(signal);  // SA_RESETHAND has restored the default action.
}

// Signals that somebody handles already keep their handler: a report of crashes calls give_back()
// itself (run/crash.h), and user code may have its own reasons.
void give_back_at_crash() {
    struct sigaction action {};
    action.sa_handler = &give_back_and_die;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT}) {
        struct sigaction before {};
        sigaction(signal, nullptr, &before);
        if (before.sa_handler == SIG_DFL) sigaction(signal, &action, nullptr);
    }
}

winsize size() {
    winsize found{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &found) != 0) return {};
    return found;
}

std::string row_text(std::size_t row) {
    return "\033[" + std::to_string(row) + ";1H";
}

}  // namespace

bool Screen::usable() {
    if (isatty(STDERR_FILENO) == 0) return false;
    const char* const terminal = std::getenv("TERM");
    const std::string_view name = terminal == nullptr ? "" : terminal;
    const winsize now = size();
    return !name.empty() && name != "dumb" && now.ws_col > 0 && now.ws_row > kRowsLeftMin;
}

Screen::Screen() {
    give_back_at_crash();
    in_use.store(true);
}

Screen::~Screen() {
    clear();
    in_use.store(false);
}

std::size_t Screen::columns() {
    return std::max<std::size_t>(1, size().ws_col) - 1;  // The last column may wrap.
}

void Screen::give_back() {
    if (in_use.load()) write_all(kGiveBack);
}

void Screen::draw(const std::vector<std::string>& lines) {
    const std::size_t rows = size().ws_row;
    const std::size_t room = rows > kRowsLeftMin ? rows - kRowsLeftMin : 0;
    const std::size_t count = std::min(lines.size(), room);
    if (rows != rows_ || count > lines_) reserve(count, rows);
    if (lines_ == 0) return;
    // One write for all lines, between saving the cursor and restoring it: logs of other threads
    // may come before or after it, but hardly in the middle.
    std::string text(kSaveCursor);
    for (std::size_t i = 0; i < lines_; ++i) {
        text += row_text(rows_ - lines_ + 1 + i);
        text += kClearLine;
        if (i < count) text += lines[i];
    }
    text += kRestoreCursor;
    write_all(text);
}

// Lines are scrolled up first, so that nothing is overwritten. Setting the region moves the cursor,
// hence it is saved around that.
void Screen::reserve(std::size_t lines, std::size_t rows) {
    clear();
    if (lines == 0) return;
    lines_ = lines;
    rows_ = rows;
    std::string text;
    for (std::size_t i = 0; i < lines; ++i) text += kDown;
    text += "\033[" + std::to_string(lines) + 'A';  // Moves up again: the rows below are free now.
    text += kSaveCursor;
    text += "\033[1;" + std::to_string(rows - lines) + 'r';
    text += kRestoreCursor;
    write_all(text);
}

void Screen::clear() {
    if (lines_ > 0) write_all(kGiveBack);
    lines_ = 0;
    rows_ = 0;
}

}  // namespace storm::worker
