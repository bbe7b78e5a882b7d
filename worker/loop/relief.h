// Keeps a loop going when user code holds it.
//
// Threads: any.
#pragma once

#include <cstdint>

namespace storm::worker {

class Loop;

class Relief {
public:
    enum class TakeOut : std::uint8_t { kDone, kTooLate, kNoThread };

    /// Gives the loop to another thread, and the executor that holds it in step `word` an annex.
    virtual TakeOut take_out(Loop& loop, std::uint64_t word) = 0;
    /// The annex is free: its executor is home again.
    virtual void give_annex(Loop& annex) = 0;
    /// A loop that slept runs again, and may be held.
    virtual void stir() = 0;

protected:
    ~Relief() = default;
};

}  // namespace storm::worker
