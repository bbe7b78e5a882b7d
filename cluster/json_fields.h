// Reads members of JSON objects from untrusted writers. The first mistake is kept, and whatever is
// wrong reads as empty.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace storm::cluster {

class JsonMistake {
public:
    void note(const std::string& where, std::string_view what) {
        if (text_.empty()) text_ = where + " " + std::string(what);
    }
    /// Such as `workers[2].port is not a number`; empty: no mistake.
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

class JsonFields {
public:
    /// `where` is the path of the object, empty for the outermost. The other two must outlive this.
    JsonFields(const nlohmann::json& object, std::string where, JsonMistake& mistake)
        : object_(object), where_(std::move(where)), mistake_(mistake) {
        if (!object.is_object()) mistake_.note(named_(""), "is not an object");
    }

    std::string text(const char* key) const {
        const nlohmann::json* const value = find_(key, true);
        return value == nullptr ? std::string() : text_of_(*value, named_(key));
    }
    std::string text_or_empty(const char* key) const {
        const nlohmann::json* const value = find_(key, false);
        return value == nullptr ? std::string() : text_of_(*value, named_(key));
    }
    template <typename Number>
    Number number(const char* key) const {
        const nlohmann::json* const value = find_(key, true);
        return value == nullptr ? Number{} : number_of_<Number>(*value, named_(key));
    }
    template <typename Number>
    Number number_or_zero(const char* key) const {
        const nlohmann::json* const value = find_(key, false);
        return value == nullptr ? Number{} : number_of_<Number>(*value, named_(key));
    }
    std::vector<std::string> texts(const char* key) const {
        std::vector<std::string> texts;
        each_(key, false, [&](const nlohmann::json& item, const std::string& where) {
            texts.push_back(text_of_(item, where));
        });
        return texts;
    }
    template <typename Number>
    std::vector<Number> numbers(const char* key) const {
        std::vector<Number> numbers;
        each_(key, false, [&](const nlohmann::json& item, const std::string& where) {
            numbers.push_back(number_of_<Number>(item, where));
        });
        return numbers;
    }
    JsonFields object(const char* key) const {
        static const nlohmann::json kNone = nlohmann::json::object();
        const nlohmann::json* const value = find_(key, true);
        return {value == nullptr ? kNone : *value, named_(key), mistake_};
    }
    /// Calls `read(JsonFields)` for each object in the list.
    template <typename Read>
    void objects(const char* key, const Read& read) const {
        each_(key, true, [&](const nlohmann::json& item, const std::string& where) {
            read(JsonFields(item, where, mistake_));
        });
    }
    template <typename Read>
    void objects_if_any(const char* key, const Read& read) const {
        each_(key, false, [&](const nlohmann::json& item, const std::string& where) {
            read(JsonFields(item, where, mistake_));
        });
    }
    void mistake(const char* key, std::string_view what) const { mistake_.note(named_(key), what); }

private:
    std::string named_(std::string_view key) const {
        if (key.empty()) return where_.empty() ? "it" : where_;
        return where_.empty() ? std::string(key) : where_ + "." + std::string(key);
    }
    const nlohmann::json* find_(const char* key, bool required) const {
        const auto at = object_.is_object() ? object_.find(key) : object_.end();
        if (at != object_.end() && !at->is_null()) return &*at;
        if (required) mistake_.note(named_(key), "is missing");
        return nullptr;
    }
    std::string text_of_(const nlohmann::json& value, const std::string& where) const {
        if (value.is_string()) return value.get<std::string>();
        mistake_.note(where, "is not a string");
        return {};
    }
    template <typename Number>
    Number number_of_(const nlohmann::json& value, const std::string& where) const {
        if (value.is_number_unsigned()) {
            const auto number = value.get<std::uint64_t>();
            if (std::in_range<Number>(number)) return static_cast<Number>(number);
        } else if (value.is_number_integer()) {
            const auto number = value.get<std::int64_t>();
            if (std::in_range<Number>(number)) return static_cast<Number>(number);
        }
        mistake_.note(where, "is not a whole number that fits");
        return {};
    }
    template <typename Read>
    void each_(const char* key, bool required, const Read& read) const {
        const nlohmann::json* const list = find_(key, required);
        if (list == nullptr) return;
        if (!list->is_array()) return mistake_.note(named_(key), "is not a list");
        for (std::size_t i = 0; i < list->size() && mistake_.text().empty(); ++i) {
            read((*list)[i], named_(key) + "[" + std::to_string(i) + "]");
        }
    }

    const nlohmann::json& object_;
    const std::string where_;
    JsonMistake& mistake_;
};

}  // namespace storm::cluster
