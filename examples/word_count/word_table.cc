#include "word_table.h"

#include <algorithm>

namespace word_count {

std::vector<WordCount> WordTable::top(std::size_t most) const {
    std::vector<WordCount> top;  // A heap: the one that goes first is in front.
    for (const auto& [word, count] : counts_) {
        if (top.size() == most) {
            if (most == 0 || count < top.front().count) continue;
            if (count == top.front().count && word > top.front().word) continue;
            std::pop_heap(top.begin(), top.end(), comes_before);
            top.pop_back();
        }
        top.push_back({word, count});
        std::push_heap(top.begin(), top.end(), comes_before);
    }
    std::sort_heap(top.begin(), top.end(), comes_before);
    return top;
}

}  // namespace word_count
