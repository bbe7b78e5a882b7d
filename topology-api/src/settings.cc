#include "topology-api/src/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <tuple>

#include <storm/detail/secrets.h>
#include <storm/detail/suggest.h>

namespace storm {
namespace {

using Type = Setting::Type;

constexpr std::int64_t kWeekSecs = 7 * 24 * 3600;
constexpr std::int64_t kDayMs = 24 * 3600 * 1000;
constexpr std::int64_t kTasksMax = (1 << 20) - 1;
constexpr std::int64_t kRootsMax = 1 << 20;
constexpr std::int64_t kRowMax = 16'777'208;
constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kTiB = kMiB * kMiB;
constexpr std::int64_t kPortMax = 65'535;

// Sorted by key.
constexpr std::array kSettings = {
    Setting{"nimbus.port", Type::kInt, "6627", 0, kPortMax,
            "Port of Nimbus' HTTP interface; 0: any free port."},
    Setting{"nimbus.seeds", Type::kList, "[\"127.0.0.1\"]", 0, 0,
            "Hosts (or host:port) where Nimbuses run."},
    Setting{"nimbus.task.timeout.secs", Type::kInt, "4", 1, kWeekSecs,
            "Seconds without a report from a Supervisor whose session has ended, before "
            "its workers are assigned elsewhere."},
    Setting{"storm.insecure", Type::kBool, "false", 0, 0,
            "Allow listening on addresses other than 127.0.0.1 without TLS and "
            "authentication. Anybody who reaches them can then run programs here."},
    Setting{"storm.local.dir", Type::kString, "storm-local", 0, 0,
            "Directory of a daemon's own files."},
    Setting{"storm.local.hostname", Type::kString, "127.0.0.1", 0, 0,
            "Address of this host: daemons and workers listen on it, and others reach them "
            "there."},
    Setting{"storm.log.dir", Type::kString, "", 0, 0,
            "Directory for the logs of workers. Not set: logs in storm.local.dir."},
    Setting{"storm.log.level", Type::kString, "info", 0, 0, "Least severe level that is logged.",
            "debug|info|warn|error"},
    Setting{"storm.readonly.token.file", Type::kString, "", 0, 0,
            "File with a token that may read everything and change nothing. Not set: there is "
            "none."},
    Setting{"storm.token.file", Type::kString, "", 0, 0,
            "File with the token that requests to Nimbus carry. $STORM_TOKEN_FILE "
            "overrides it."},
    Setting{"storm.zookeeper.auth.file", Type::kString, "", 0, 0,
            "File with USER:PASSWORD for ZooKeeper's digest scheme, the same for all "
            "daemons: only they can then read what they keep there. Not set: it is open."},
    Setting{"storm.zookeeper.port", Type::kInt, "2181", 1, kPortMax,
            "Port of ZooKeeper servers that are given without one."},
    Setting{"storm.zookeeper.root", Type::kString, "/storm", 0, 0,
            "Path in ZooKeeper below which this cluster keeps everything."},
    Setting{"storm.zookeeper.servers", Type::kList, "[\"127.0.0.1\"]", 0, 0,
            "Hosts (or host:port) of the ZooKeeper servers."},
    Setting{"storm.zookeeper.session.timeout", Type::kInt, "5000", 1000, kDayMs,
            "Milliseconds without contact after which ZooKeeper ends a daemon's session."},
    Setting{"supervisor.id", Type::kString, "", 0, 0,
            "Name of the Supervisor. Not set: one is generated, and kept in "
            "storm.local.dir."},
    Setting{"supervisor.port", Type::kInt, "8000", 0, kPortMax,
            "Port of the Supervisor's HTTP interface; 0: any free port."},
    Setting{"supervisor.run.worker.as.user", Type::kBool, "true", 0, 0,
            "If the Supervisor is root: run the workers of each topology as a user of its "
            "own. Otherwise they run as the Supervisor's user."},
    Setting{"supervisor.slots.ports", Type::kList, "[6700, 6701, 6702, 6703]", 0, kPortMax,
            "One port for each worker that the Supervisor may run; 0: any free port."},
    Setting{"supervisor.worker.isolation", Type::kString, "basic", 0, 0,
            "What workers are kept from: basic, capabilities and dangerous system calls; "
            "strict, also secret files, and writing outside of "
            "supervisor.worker.writable.paths.",
            "off|basic|strict"},
    Setting{"supervisor.worker.max.memory.mb", Type::kInt, "", 64, kTiB >> 20,
            "MiB of memory that a worker may allocate, whatever its topology asks for. Not "
            "set: no limit."},
    Setting{"supervisor.worker.max.processes", Type::kInt, "4096", 16, kTasksMax,
            "Processes and threads that all workers of a topology on this host may have together, "
            "where they run as a user of their own."},
    Setting{"supervisor.worker.shutdown.sleep.secs", Type::kInt, "3", 0, 3600,
            "Seconds that a worker has to end after it was told to end at once; then it is "
            "killed."},
    Setting{"supervisor.worker.start.timeout.secs", Type::kInt, "120", 1, kWeekSecs,
            "Seconds that a worker has until its first report."},
    Setting{"supervisor.worker.timeout.secs", Type::kInt, "10", 1, kWeekSecs,
            "Seconds without a report after which a worker is killed and started again."},
    Setting{"supervisor.worker.user.ids", Type::kString, "70000-79999", 0, 0,
            "First and last of the user ids that workers run as; no other user may have "
            "them."},
    Setting{"supervisor.worker.writable.paths", Type::kList, "[\"/tmp\", \"/var/tmp\", \"/dev\"]",
            0, 0,
            "With supervisor.worker.isolation=strict: where workers may write, besides "
            "their own folder."},
    Setting{"topology.acker.executors", Type::kInt, "1", 0, 10'000,
            "0 turns tracking off: ack() is called at once and nothing is replayed. Any other "
            "number turns it on; the number itself has no effect."},
    Setting{"topology.cycle.buffer.bytes", Type::kInt, "67108864", kMiB, kTiB,
            "Bytes of tuples that may wait in a cycle of bolts before more of them fail."},
    Setting{"topology.debug", Type::kBool, "false", 0, 0, "Log every tuple that is emitted."},
    Setting{"topology.drain.timeout.ms", Type::kInt, "5000", 0, kDayMs,
            "Milliseconds that tuples in flight have to complete when a topology is "
            "drained."},
    Setting{"topology.enable.message.timeouts", Type::kBool, "true", 0, 0,
            "Whether tuple trees time out."},
    Setting{"topology.executor.overshoot.bytes", Type::kInt, "16777216", 1024, kTiB,
            "Bytes that one call of a component may emit beyond what its targets can take."},
    Setting{"topology.executor.threads", Type::kString, "loop", 0, 0,
            "loop: executors share the worker's threads; dedicated: one thread for each.",
            "loop|dedicated"},
    Setting{
        "topology.journal.dir", Type::kString, "", 0, 0,
        "Directory for journals of what became of each tuple, as JSON lines. For checks; slow."},
    Setting{"topology.max.spout.pending", Type::kInt, "", 1, kRootsMax,
            "Tracked tuples of one spout task that may be in flight. Not set: as many as fit, at "
            "most 1048576."},
    Setting{"topology.max.task.parallelism", Type::kInt, "", 1, 10'000,
            "Most executors that a component gets, whatever it asks for."},
    Setting{"topology.max.tuple.bytes", Type::kInt, "1048576", 1024, kRowMax,
            "Bytes of one encoded tuple, beside its anchors; emit() refuses larger ones."},
    Setting{"topology.message.timeout.secs", Type::kInt, "30", 1, kWeekSecs,
            "Seconds in which a tuple tree has to complete before it fails."},
    Setting{"topology.name", Type::kString, "", 0, 0,
            "Name of the topology. Not set: that of its program."},
    Setting{"topology.secret.settings", Type::kList, "", 0, 0,
            "Keys of your own whose values are never shown, besides those whose names say "
            "that they are secret: password, secret, token, credential, API key and the "
            "like."},
    Setting{"topology.sleep.spout.wait.strategy.time.ms", Type::kInt, "4", 1, 1000,
            "Longest pause in milliseconds before an idle spout is asked again."},
    Setting{"topology.tasks", Type::kInt, "", 1, kTasksMax,
            "Tasks of each component that does not set them. Not set: one for each "
            "executor."},
    Setting{"topology.tick.tuple.freq.secs", Type::kInt, "", 1, kWeekSecs,
            "Seconds between two ticks of each bolt that asks for them with tick(), or sets this "
            "itself."},
    Setting{"topology.worker.buffer.bytes", Type::kInt, "67108864", kMiB, kTiB,
            "Bytes of tuples in flight in one worker at which its spouts pause."},
    Setting{"topology.worker.lease.secs", Type::kInt, "", 1, 3600,
            "Seconds after which a worker ends if neither its Supervisor nor Nimbus has "
            "vouched for it. Not set: it ends only when told that it is no longer wanted."},
    Setting{"topology.worker.max.memory.mb", Type::kInt, "", 64, kTiB >> 20,
            "MiB of memory that each worker may allocate. Not set: what the Supervisor "
            "allows."},
    Setting{"topology.worker.threads", Type::kInt, "", 1, 1024,
            "Threads that run a worker's executors. Not set: one for each core."},
    Setting{"topology.workers", Type::kInt, "1", 1, 1000,
            "Processes that the topology is spread over."},
};

constexpr bool by_key(const Setting& a, const Setting& b) {
    return a.key < b.key;
}
static_assert(std::is_sorted(kSettings.begin(), kSettings.end(), by_key));

constexpr std::array<std::string_view, 5> kPrefixes = {"topology.", "storm.", "nimbus.",
                                                       "supervisor.", "worker."};

bool is_reserved(std::string_view key) {
    return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                       [key](std::string_view prefix) { return key.starts_with(prefix); });
}

// ---- Keys that do not exist ---------------------------------------------------------------------

std::vector<std::string_view> segments_of(std::string_view key) {
    // Without the prefix, units and bounds, which would make all keys alike.
    constexpr std::array<std::string_view, 8> kMute = {"topology", "storm", "bytes", "ms",
                                                       "secs",     "max",   "time",  "dir"};
    std::vector<std::string_view> segments;
    while (!key.empty()) {
        const std::size_t dot = std::min(key.find('.'), key.size());
        const std::string_view segment = key.substr(0, dot);
        key.remove_prefix(std::min(dot + 1, key.size()));
        if (std::find(kMute.begin(), kMute.end(), segment) == kMute.end())
            segments.push_back(segment);
    }
    return segments;
}

std::size_t segments_in_common(std::string_view a, std::string_view b) {
    const std::vector<std::string_view> others = segments_of(b);
    const std::vector<std::string_view> segments = segments_of(a);
    return static_cast<std::size_t>(
        std::count_if(segments.begin(), segments.end(), [&others](std::string_view segment) {
            return std::find(others.begin(), others.end(), segment) != others.end();
        }));
}

/// Up to three keys that may have been meant, the likeliest first: those that differ by a typing
/// error or, if there are none, those that share words with it.
std::vector<std::string_view> keys_near(std::string_view wanted) {
    constexpr std::size_t kNearMax = 3;
    constexpr std::size_t kTyposMax = 3;
    using Ranked = std::tuple<std::size_t, std::size_t, std::string_view>;
    std::vector<Ranked> typos, kin;
    for (const Setting& setting : kSettings) {
        const std::size_t distance = detail::edit_distance(wanted, setting.key);
        const std::size_t common = segments_in_common(wanted, setting.key);
        if (distance <= kTyposMax) typos.emplace_back(0, distance, setting.key);
        if (common > 0) kin.emplace_back(wanted.size() - common, distance, setting.key);
    }
    std::vector<Ranked>& ranked = typos.empty() ? kin : typos;
    std::sort(ranked.begin(), ranked.end());
    std::vector<std::string_view> keys;
    for (std::size_t i = 0; i < std::min(kNearMax, ranked.size()); ++i) {
        keys.push_back(std::get<std::string_view>(ranked[i]));
    }
    return keys;
}

detail::SettingMistake unknown_key(std::string_view key) {
    detail::SettingMistake mistake = {"unknown setting " + detail::quoted(key), {}};
    const std::vector<std::string_view> near = keys_near(key);
    if (near.empty()) {
        mistake.hint =
            "keys of your own may start with anything but topology., storm., nimbus., "
            "supervisor. and worker.";
        return mistake;
    }
    mistake.hint = "did you mean ";
    for (std::size_t i = 0; i < near.size(); ++i) {
        if (i > 0) mistake.hint += i + 1 == near.size() ? " or " : ", ";
        mistake.hint += detail::quoted(near[i]);
    }
    mistake.hint += '?';
    return mistake;
}

// ---- Values that do not fit ---------------------------------------------------------------------

bool is_control(char letter) {
    return static_cast<unsigned char>(letter) < ' ' || letter == '\x7f';
}

bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

std::string lower_case(std::string_view text) {
    std::string lowered(text);
    for (char& letter : lowered) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return lowered;
}

std::string hint_for_int(std::string_view text) {
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    if (text.empty()) return "give it a value, or leave the key out";
    if (is_digits(digits) && digits.size() > 1 && digits.front() == '0') {
        const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
        return "write it without leading zeros, which some readers take for octal: " +
               std::string(digits.substr(first));
    }
    if (text.starts_with('+')) return "write it without the plus";
    if (is_one_of(lower_case(text), {"true", "false", "yes", "no", "on", "off"})) {
        return "this setting is a number, not a switch";
    }
    if (!digits.empty() && is_digits(digits.substr(0, 1))) {
        return "write decimal digits only: no unit, separator, fraction or exponent";
    }
    return {};
}

std::string hint_for_bool(std::string_view text) {
    const std::string lowered = lower_case(text);
    if (is_one_of(lowered, {"true", "yes", "on", "1"})) return "write true";
    if (is_one_of(lowered, {"false", "no", "off", "0"})) return "write false";
    return {};
}

bool is_in_range(const Setting& setting, std::int64_t number) {
    return number >= setting.min && number <= setting.max;
}

bool is_choice(std::string_view choices, std::string_view value) {
    while (true) {
        const std::size_t bar = std::min(choices.find('|'), choices.size());
        if (choices.substr(0, bar) == value) return true;
        if (bar == choices.size()) return false;
        choices.remove_prefix(bar + 1);
    }
}

std::string expected(Type type, const Setting* known) {
    const bool ranged = known != nullptr && known->max > 0;
    const std::string range =
        ranged ? " from " + std::to_string(known->min) + " to " + std::to_string(known->max) : "";
    switch (type) {
        case Type::kInt:
            return "an integer" + range;
        case Type::kReal:
            return "a number";
        case Type::kBool:
            return "true or false";
        case Type::kList:
            return ranged ? "a list of integers" + range : "a list, as in [\"a\", \"b\"]";
        case Type::kString:
            break;
    }
    return known == nullptr ? "a text" : "one of " + std::string(known->choices);
}

bool fits(const Setting& setting, std::string_view value) {
    switch (setting.type) {
        case Type::kString:
            return setting.choices.empty() || is_choice(setting.choices, value);
        case Type::kReal:
            return detail::parse_real(value).has_value();
        case Type::kBool:
            return detail::parse_boolean(value).has_value();
        case Type::kInt: {
            const std::optional<std::int64_t> number = detail::parse_int64(value);
            return number && is_in_range(setting, *number);
        }
        case Type::kList:
            break;
    }
    const std::optional<std::vector<std::string>> items = detail::parse_list(value);
    return items && std::all_of(items->begin(), items->end(), [&setting](const std::string& item) {
               if (setting.max == 0) return true;
               const std::optional<std::int64_t> number = detail::parse_int64(item);
               return number && is_in_range(setting, *number);
           });
}

// ---- Lists --------------------------------------------------------------------------------------

/// Reads the next part of a text, and removes it.
class ListReader {
public:
    explicit ListReader(std::string_view text) : rest_(text) { skip_space(); }

    std::optional<std::vector<std::string>> read() {
        std::vector<std::string> items;
        const bool bracketed = take('[');
        if (bracketed ? take(']') : rest_.empty()) return finished(std::move(items));
        do {
            std::optional<std::string> item = rest_.starts_with('"') ? quoted_item() : bare_item();
            if (!item) return std::nullopt;
            items.push_back(*std::move(item));
        } while (take(','));
        if (bracketed && !take(']')) return std::nullopt;
        return finished(std::move(items));
    }

private:
    std::optional<std::vector<std::string>> finished(std::vector<std::string> items) const {
        if (!rest_.empty()) return std::nullopt;
        return items;
    }
    void skip_space() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    }
    bool take(char wanted) {
        if (!rest_.starts_with(wanted)) return false;
        rest_.remove_prefix(1);
        skip_space();
        return true;
    }
    std::optional<std::string> bare_item() {
        const std::size_t end = std::min(rest_.find_first_of(",[]{}\""), rest_.size());
        const std::string_view item = rest_.substr(0, end);
        rest_.remove_prefix(end);
        const std::size_t last = item.find_last_not_of(" \t\r\n");
        if (last == std::string_view::npos) return std::nullopt;
        return std::string(item.substr(0, last + 1));
    }
    std::optional<std::string> quoted_item() {
        std::string item;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '"') {
                rest_.remove_prefix(i + 1);
                skip_space();
                return item;
            }
            // Hosts, paths and ports need no more of JSON's escapes.
            if (rest_[i] == '\\' &&
                (++i == rest_.size() || !is_one_of(rest_.substr(i, 1), {"\"", "\\", "/"}))) {
                return std::nullopt;
            }
            item += rest_[i];
        }
        return std::nullopt;
    }

    std::string_view rest_;
};

}  // namespace

std::span<const Setting> known_settings() {
    return kSettings;
}

namespace detail {

const Setting* find_setting(std::string_view key) {
    const auto* const found = std::lower_bound(
        kSettings.begin(), kSettings.end(), key,
        [](const Setting& setting, std::string_view k) { return setting.key < k; });
    return found != kSettings.end() && found->key == key ? &*found : nullptr;
}

std::optional<std::int64_t> parse_int64(std::string_view text) {
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    if (!is_digits(digits) || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<double> parse_real(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (!std::isfinite(number)) return std::nullopt;
    return number;
}

std::optional<bool> parse_boolean(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
}

std::optional<std::vector<std::string>> parse_list(std::string_view text) {
    return ListReader(text).read();
}

SettingMistake wrong_value(std::string_view key, std::string_view value, Type type,
                           const Setting* known) {
    SettingMistake mistake = {
        "setting " + quoted(key) + " is " +
            (looks_secret(key, value) ? std::string(kHidden) : quoted(value)) + ", but must be " +
            expected(type, known),
        {}};
    if (type == Type::kInt && !parse_int64(value)) mistake.hint = hint_for_int(value);
    if (type == Type::kBool) mistake.hint = hint_for_bool(value);
    if (known != nullptr && known->type == type && mistake.hint.empty() &&
        !known->default_value.empty()) {
        mistake.hint = "the default is " + std::string(known->default_value);
    }
    return mistake;
}

std::optional<SettingMistake> check_setting(std::string_view key, std::string_view value) {
    const Setting* const known = find_setting(key);
    if (known != nullptr) {
        if (fits(*known, value)) return std::nullopt;
        return wrong_value(key, value, known->type, known);
    }
    if (key.empty()) return SettingMistake{"a setting has an empty key", "write key=value"};
    if (const auto odd = std::find_if(key.begin(), key.end(), is_control); odd != key.end()) {
        std::string shown(key);
        std::replace_if(shown.begin(), shown.end(), is_control, '?');
        return SettingMistake{"setting " + quoted(shown) + " has a control character in its key",
                              "write keys in letters, digits and dots"};
    }
    if (is_reserved(key)) return unknown_key(key);
    return std::nullopt;
}

std::string in_one_line(const SettingMistake& mistake) {
    return mistake.hint.empty() ? mistake.what : mistake.what + "; " + mistake.hint;
}

}  // namespace detail
}  // namespace storm
