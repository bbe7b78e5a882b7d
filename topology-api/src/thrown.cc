#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>

#include <cxxabi.h>
#include <storm/detail/thrown.h>

namespace storm::detail {
namespace {

std::string readable(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
    std::string text = status == 0 ? name.get() : type.name();
    // The library's inline namespaces mean nothing to users.
    constexpr std::string_view kInline = "::__cxx11";
    if (const std::size_t at = text.find(kInline); at != std::string::npos)
        text.erase(at, kInline.size());
    return text;
}

/// The texts of Storm's own types say everything.
bool is_of_storm(std::string_view type) {
    constexpr std::string_view kStorm = "storm::";
    return type.starts_with(kStorm) && type.find("::", kStorm.size()) == std::string_view::npos;
}

std::string text_of(const std::exception& error) {
    const std::string type = readable(typeid(error));
    const char* const what = error.what();
    if (what == nullptr || *what == '\0') return type + ", without a text";
    return is_of_storm(type) || type == what ? what : type + ": " + what;
}

}  // namespace

std::string what_was_thrown() {
    try {
        throw;
    } catch (const std::exception& error) {
        return text_of(error);
    } catch (const std::string& text) {
        return "an exception of type std::string: " + text;
    } catch (const char* text) {
        return "an exception of type const char*: " + std::string(text == nullptr ? "null" : text);
    } catch (...) {
        const std::type_info* const type = abi::__cxa_current_exception_type();
        return "an exception of type " + (type == nullptr ? "unknown" : readable(*type));
    }
}

}  // namespace storm::detail
