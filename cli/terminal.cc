#include "cli/terminal.h"

#include <array>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace storm::cli {
namespace {

constexpr std::size_t kWidthWhenUnknown = 80;

bool is_set(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

bool is_dumb() {
    const char* const type = std::getenv("TERM");
    return type == nullptr || *type == '\0' || std::string_view(type) == "dumb";
}

/// Whether the byte continues a UTF-8 character.
bool continues(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

}  // namespace

Terminal terminal_of(int descriptor) {
    // Without a width, too: nothing is cut that a script reads.
    if (::isatty(descriptor) != 1) return {};
    winsize size{};
    const bool known = ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return {.is_terminal = true,
            .colours = !is_set("NO_COLOR") && !is_dumb(),
            .width = known ? size.ws_col : kWidthWhenUnknown};
}

std::string coloured(std::string_view text, Colour colour, const Terminal& terminal) {
    constexpr std::array<std::string_view, 5> kCodes = {"", "\x1b[32m", "\x1b[31m", "\x1b[33m",
                                                        "\x1b[2m"};
    if (!terminal.colours || colour == Colour::kPlain || text.empty()) return std::string(text);
    return std::string(kCodes[static_cast<std::size_t>(colour)]) + std::string(text) + "\x1b[0m";
}

/// Names, errors and logs are what users' programs say, and a terminal obeys what it is sent:
/// nothing of theirs is shown on one before it has passed here.
std::string printable(std::string_view text) {
    std::string plain(text);
    for (std::size_t i = 0; i < plain.size(); ++i) {
        const auto byte = static_cast<unsigned char>(plain[i]);
        if (plain[i] == '\n' || plain[i] == '\t') {
            plain[i] = ' ';
        } else if (byte < 0x20 || byte == 0x7F) {
            plain[i] = '?';
        } else if (byte == 0xC2 && i + 1 < plain.size() &&
                   static_cast<unsigned char>(plain[i + 1]) < 0xA0) {
            plain[i] = plain[i + 1] = '?';  // U+0080 … U+009F, which terminals obey too.
        }
    }
    return plain;
}

std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    for (const char byte : text) columns += continues(byte) ? 0U : 1U;
    return columns;
}

std::string fitted(std::string_view text, std::size_t columns) {
    if (columns_of(text) <= columns) return std::string(text);
    if (columns == 0) return "";
    std::size_t end = 0;
    for (std::size_t kept = 0; end < text.size(); ++end) {
        if (!continues(text[end]) && kept++ == columns - 1) break;
    }
    return std::string(text.substr(0, end)) + "…";
}

std::string grouped(std::uint64_t number) {
    const std::string digits = std::to_string(number);
    std::string text;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
        text += digits[i];
    }
    return text;
}

std::string duration_text(std::uint64_t secs) {
    const std::uint64_t minutes = secs / 60, hours = minutes / 60, days = hours / 24;
    if (days > 0) return fmt::format("{}d {}h", days, hours % 24);
    if (hours > 0) return fmt::format("{}h {}m", hours, minutes % 60);
    if (minutes > 0) return fmt::format("{}m {}s", minutes, secs % 60);
    return fmt::format("{}s", secs);
}

std::string micros_text(std::uint64_t micros) {
    const auto value = static_cast<double>(micros);
    if (micros < 1'000) return fmt::format("{} us", micros);
    if (micros < 1'000'000) return fmt::format("{:.1f} ms", value / 1e3);
    return fmt::format("{:.1f} s", value / 1e6);
}

std::string bytes_text(std::uint64_t bytes) {
    const auto value = static_cast<double>(bytes);
    if (bytes < 1'000) return fmt::format("{} B", bytes);
    if (bytes < 1'000'000) return fmt::format("{:.1f} kB", value / 1e3);
    if (bytes < 1'000'000'000) return fmt::format("{:.1f} MB", value / 1e6);
    return fmt::format("{:.1f} GB", value / 1e9);
}

std::string time_text(std::int64_t unix_ms) {
    const std::time_t secs = unix_ms / 1000;
    std::tm parts{};
    std::array<char, 32> text{};
    if (::localtime_r(&secs, &parts) == nullptr) return "";
    const std::size_t size = std::strftime(text.data(), text.size(), "%F %T", &parts);
    return std::string(text.data(), size);
}

}  // namespace storm::cli
