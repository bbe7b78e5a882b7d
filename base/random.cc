#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"

namespace storm::base {

std::uint64_t kernel_seed() {
    std::uint64_t seed = 0;
    STORM_CHECK(getrandom(&seed, sizeof(seed), 0) == sizeof(seed),
                "the kernel gives 8 random bytes at once");
    return seed;
}

}  // namespace storm::base
