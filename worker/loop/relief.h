// Who sees to it that a loop goes on when user code holds it.
//
// Threads: any.
#pragma once

#include <cstdint>

namespace storm::worker {

class Loop;

class Relief {
public:
    enum class TakeOut : std::uint8_t { kDone, kTooLate, kNoThread };

    /// Gives the loop to another thread, and to the executor that holds it in the step `word` an
    /// annex.
    virtual TakeOut take_out(Loop& loop, std::uint64_t word) = 0;
    /// Its executor is home again.
    virtual void give_annex(Loop& annex) = 0;
    /// A loop that slept has something to do again, and may be held.
    virtual void stir() = 0;

protected:
    ~Relief() = default;
};

}  // namespace storm::worker
