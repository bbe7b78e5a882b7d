// The bolt `split`: a line in, its words out.
//
// Cost:    about 1 ns a byte, and an emit for each word.
#pragma once

#include <string>

#include <storm/bolt.h>

namespace word_count {

class SplitSentence final : public storm::BasicBolt {
public:
    void declare_outputs(storm::Outputs& outputs) const override;
    void execute(const storm::Tuple& line, storm::BasicCollector& out) override;

private:
    std::string room_;
};

}  // namespace word_count
