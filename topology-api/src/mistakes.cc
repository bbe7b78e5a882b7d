#include "topology-api/src/mistakes.h"

namespace storm::detail {

std::string to_string(MistakeCode code) {
    const std::string digits = std::to_string(static_cast<int>(code));
    std::string text(4 - digits.size(), '0');
    text.insert(text.begin(), 'E');
    return text + digits;
}

std::string to_text(const std::vector<Mistake>& mistakes) {
    std::string text;
    for (const Mistake& mistake : mistakes) {
        if (!text.empty()) text += '\n';
        text += "error[" + to_string(mistake.code) + "]: " + mistake.what;
        if (!mistake.hint.empty()) text += "\n  hint: " + mistake.hint;
    }
    return text;
}

}  // namespace storm::detail
