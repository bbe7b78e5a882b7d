// Whatever reaches Nimbus as JSON is refused or read, and what is read holds its promises.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "cluster/records.h"
#include "cluster/reports.h"
#include "nimbus/api/requests.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
    const std::string text(bytes, bytes + count);
    if (const auto read = storm::nimbus::read_submission(text)) {
        STORM_CHECK(storm::nimbus::check_name(read->record.name).has_value(), "names are checked");
        STORM_CHECK(!read->record.artifacts.empty(), "there is a program");
        STORM_CHECK(storm::cluster::read_description(read->record.description).has_value(),
                    "what is stored can be read again");
    }
    if (const auto wait = storm::nimbus::read_kill_wait(text); wait && *wait) {
        STORM_CHECK(**wait >= 0, "waits are checked");
    }
    if (const auto asked = storm::nimbus::read_rebalance(text); asked && asked->wait_ms) {
        STORM_CHECK(*asked->wait_ms >= 0, "waits are checked");
    }
    static_cast<void>(storm::cluster::supervisor_report(text));
    return 0;
}
