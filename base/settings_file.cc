#include "base/settings_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

#include <yaml-cpp/yaml.h>

namespace storm::base {
namespace {

using Settings = std::map<std::string, std::string>;

constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kReadMax = 4 << 20;  // Bytes, with all aliases followed, which multiply.

std::string quoted(std::string_view text) {
    return '"' + std::string(text) + '"';
}

/// Never leaves this file. An exception, because yaml-cpp throws its own from the same places.
struct Malformed : std::runtime_error {
    Malformed(const YAML::Mark& mark, const std::string& what)
        : std::runtime_error((mark.is_null() ? " " : std::to_string(mark.line + 1) + ": ") + what) {
    }
};

std::string lower_case(std::string_view text) {
    std::string lowered(text);
    for (char& letter : lowered) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return lowered;
}

std::size_t digits_at(std::string_view text, std::size_t from) {
    return std::min(text.find_first_not_of("0123456789", from), text.size()) - from;
}

/// As JSON writes numbers.
bool is_number(std::string_view text) {
    std::size_t at = text.starts_with('-') ? 1 : 0;
    const std::size_t whole = digits_at(text, at);
    if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
    at += whole;
    if (at < text.size() && text[at] == '.') {
        const std::size_t fraction = digits_at(text, at + 1);
        if (fraction == 0) return false;
        at += 1 + fraction;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
        const std::size_t exponent = digits_at(text, at);
        if (exponent == 0) return false;
        at += exponent;
    }
    return at == text.size();
}

/// Whether all of the text is digits, in groups between any of `separators`.
bool is_grouped_number(std::string_view text, std::string_view separators) {
    std::string allowed = "0123456789";
    allowed += separators;
    return !text.empty() && digits_at(text, 0) > 0 && digits_at(text, text.size() - 1) > 0 &&
           text.find_first_of(separators) != std::string_view::npos &&
           text.find_first_not_of(allowed) == std::string_view::npos;
}

/// Why an unquoted word is ambiguous, or nothing if it is not: readers of YAML differ about some of
/// them, so a person has to say which meaning is intended.
std::string surprise(std::string_view text) {
    constexpr std::array<std::string_view, 3> kYes = {"yes", "on", "y"};
    constexpr std::array<std::string_view, 3> kNo = {"no", "off", "n"};
    const auto or_quoted = [&text](std::string_view instead) {
        return "; write " + std::string(instead) + ", or " + quoted(text) +
               " with the quotes if the text is meant";
    };
    const std::string lowered = lower_case(text);
    if (std::find(kYes.begin(), kYes.end(), lowered) != kYes.end()) {
        return "some readers take it for true" + or_quoted("true");
    }
    if (std::find(kNo.begin(), kNo.end(), lowered) != kNo.end()) {
        return "some readers take it for false" + or_quoted("false");
    }
    if ((lowered == "true" || lowered == "false") && lowered != text) {
        return "true and false are written in lower case" + or_quoted(lowered);
    }
    const std::string_view digits =
        text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
    if (digits.size() > 1 && digits[0] == '0' && digits_at(digits, 0) == digits.size()) {
        const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
        return "some readers take it for an octal number" + or_quoted(digits.substr(first));
    }
    if (lowered.starts_with("0x") || lowered.starts_with("0o") || lowered.starts_with("0b")) {
        return "some readers take it for a number" + or_quoted("the decimal number");
    }
    if (is_grouped_number(digits, "_"))
        return "some readers take it for a number" + or_quoted("only its digits");
    if (is_grouped_number(digits, ":")) {
        return "some readers take it for a number to the base of 60" +
               or_quoted("the decimal number");
    }
    return {};
}

bool is_quoted(const YAML::Node& node) {
    return node.Tag() == "!";
}

class SettingsReader {
public:
    Settings read(const YAML::Node& document) {
        if (document.IsNull()) return {};
        if (!document.IsMap()) {
            throw Malformed(document.Mark(),
                            "the file is not a map; write lines of the form: key: value");
        }
        read_map({}, document, 1);
        return std::move(settings_);
    }

private:
    void read_map(const std::string& prefix, const YAML::Node& map, std::size_t depth) {
        for (const auto& entry : map) {
            const std::string key = prefix + key_of(entry.first);
            count(entry.second, depth, key.size());
            if (entry.second.IsNull()) throw_no_value(key, entry.first);
            if (entry.second.IsMap()) {
                read_map(key + ".", entry.second, depth + 1);
            } else if (!settings_.emplace(key, value_of(key, entry.second, depth)).second) {
                throw Malformed(entry.first.Mark(),
                                quoted(key) + " is set a second time; remove one");
            }
        }
    }

    static std::string key_of(const YAML::Node& key) {
        if (!key.IsScalar() || key.Scalar().empty()) {
            throw Malformed(key.Mark(), "a key is not a word; write lines of the form: key: value");
        }
        if (key.Scalar() == "<<") {
            throw Malformed(key.Mark(),
                            "merge keys (<<) are not supported; write the settings out");
        }
        return key.Scalar();
    }

    std::string value_of(const std::string& key, const YAML::Node& value, std::size_t depth) {
        return value.IsSequence() ? json_of(key, value, depth) : scalar_of(key, value);
    }

    static std::string scalar_of(const std::string& key, const YAML::Node& value) {
        if (!value.IsScalar()) throw_no_value(key, value);
        if (!is_quoted(value)) {
            const std::string why = surprise(value.Scalar());
            if (!why.empty()) {
                throw Malformed(value.Mark(),
                                quoted(key) + " is " + value.Scalar() + " without quotes: " + why);
            }
        }
        return value.Scalar();
    }

    /// `at`: the key if there is one, since yaml-cpp places a missing value on the line of whatever
    /// follows.
    [[noreturn]] static void throw_no_value(const std::string& key, const YAML::Node& at) {
        throw Malformed(at.Mark(), quoted(key) +
                                       " has no value; write \"\" for the empty text, or remove "
                                       "the line to get the default");
    }

    std::string json_of(const std::string& key, const YAML::Node& value, std::size_t depth) {
        count(value, depth);
        if (value.IsSequence()) {
            std::string json;
            for (const YAML::Node& item : value) {
                json += (json.empty() ? "" : ",") + json_of(key, item, depth + 1);
            }
            return "[" + json + "]";
        }
        if (value.IsMap()) {
            std::string json;
            for (const auto& entry : value) {
                json += (json.empty() ? "" : ",") + json_text(key_of(entry.first)) + ":" +
                        json_of(key, entry.second, depth + 1);
            }
            return "{" + json + "}";
        }
        const std::string text = scalar_of(key, value);
        const bool bare =
            !is_quoted(value) && (text == "true" || text == "false" || is_number(text));
        return bare ? text : json_text(text);
    }

    static std::string json_text(std::string_view text) {
        constexpr std::string_view kHex = "0123456789abcdef";
        std::string json = "\"";
        for (const char c : text) {
            const auto code = static_cast<unsigned char>(c);
            if (c == '"' || c == '\\') {
                json += '\\';
                json += c;
            } else if (code < 0x20) {
                json += "\\u00";
                json += kHex[code >> 4];
                json += kHex[code & 15];
            } else {
                json += c;
            }
        }
        return json + '"';
    }

    /// Against files that are small, and large when read: an alias may stand for a list of aliases.
    void count(const YAML::Node& node, std::size_t depth, std::size_t key_bytes = 0) {
        if (depth > kDepthMax)
            throw Malformed(node.Mark(), "maps and lists are nested too deep; flatten them");
        read_ += 1 + key_bytes + (node.IsScalar() ? node.Scalar().size() : 0);
        if (read_ > kReadMax)
            throw Malformed(node.Mark(), "the file holds too much; shorten its lists");
    }

    Settings settings_;
    std::size_t read_ = 0;
};

std::string at_line(std::string_view name, const std::string& what) {
    return "cannot read settings " + std::string(name) + ":" + what;
}

}  // namespace

Result<Settings> parse_settings(std::string_view text, std::string_view name) {
    try {
        const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
        if (documents.empty()) return Settings{};
        if (documents.size() > 1) {
            return Error{at_line(name, " it holds several documents; remove the lines \"---\"")};
        }
        return SettingsReader().read(documents.front());
    } catch (const Malformed& error) {
        return Error{at_line(name, error.what())};
    } catch (const YAML::Exception& error) {
        const std::string line =
            error.mark.is_null() ? "" : std::to_string(error.mark.line + 1) + ":";
        return Error{at_line(
            name,
            line + " " + error.msg + "; write lines of the form: key: value, indented by spaces")};
    }
}

Result<Settings> read_settings_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return Error{"cannot open settings " + quoted(path) + ": " + std::strerror(errno)};
    }
    std::string text(kFileBytesMax + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return Error{"cannot read settings " + quoted(path) + ": it is not a file"};
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kFileBytesMax) {
        return Error{"cannot read settings " + quoted(path) +
                     ": it is over 1 MiB; is it the right file?"};
    }
    return parse_settings(text, path);
}

}  // namespace storm::base
