#include "split_sentence.h"

#include <string_view>

#include <storm/topology.h>

#include "words.h"

namespace word_count {

void SplitSentence::declare_outputs(storm::Outputs& outputs) const {
    outputs.stream({"word"});
}

void SplitSentence::execute(const storm::Tuple& line, storm::BasicCollector& out) {
    for_each_word(line.string(0), room_, [&](std::string_view word) { out.emit(word); });
}

}  // namespace word_count
