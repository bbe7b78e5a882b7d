#include "topology-api/src/topology_check.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <storm/detail/names.h>
#include <storm/detail/row.h>
#include <storm/detail/suggest.h>
#include <storm/detail/thrown.h>

#include "topology-api/src/settings.h"

namespace storm::detail {
namespace {

using Code = MistakeCode;

constexpr int kParallelismMax = 10'000;
constexpr Milliseconds kTickMax = std::chrono::hours(365 * 24);
constexpr std::size_t kStreamsMax = 65'535;        // A row names its stream with 16 bits.
constexpr std::int64_t kTasksMax = (1 << 20) - 1;  // A root id names its task with 20 bits.

std::string named(const Component& component) {
    return (component.is_spout() ? "spout " : "bolt ") + quoted(component.id);
}

std::string named(std::string_view stream, std::string_view component) {
    return "stream " + quoted(stream) + " of " + quoted(component);
}

template <typename T, typename Name>
std::vector<std::string_view> names_of(const std::vector<T>& all, Name T::*name) {
    std::vector<std::string_view> names;
    names.reserve(all.size());
    for (const T& each : all) names.push_back(each.*name);
    return names;
}

/// `did you mean "x"?` if something is close, else the list of names.
std::string guess_or(std::string_view wanted, const std::vector<std::string_view>& names,
                     std::string_view introduction) {
    std::string guess = did_you_mean(wanted, names);
    return guess.empty() ? std::string(introduction) + " " + list_of(names) : guess;
}

std::int64_t tasks_of(const Component& component) {
    return std::max(component.tasks.value_or(component.parallelism), 0);
}

class TopologyCheck {
public:
    explicit TopologyCheck(std::vector<Component>& components) : components_(components) {
        for (Component& component : components_) by_id_.emplace(component.id, &component);
    }

    std::vector<Mistake> run() {
        for (Component& component : components_) ask_outputs(component);
        for (const Component& component : components_) {
            check_id(component);
            check_numbers(component);
            check_settings(component);
            check_outputs(component);
            check_inputs(component);
        }
        if (has_spout()) {
            check_reachable();
        } else {
            add(Code::kNoSpout, "the topology has no spout",
                "tuples come from spouts: add one with spout<T>(\"id\", …)");
        }
        check_task_total();
        return std::move(mistakes_);
    }

private:
    void add(Code code, std::string what, std::string hint) {
        mistakes_.push_back({code, std::move(what), std::move(hint)});
    }

    // ---- One component --------------------------------------------------------------------------

    void ask_outputs(Component& component) {
        std::visit([&](const auto& factory) { ask_outputs(component, factory); },
                   component.factory);
    }
    template <typename Factory>
    void ask_outputs(Component& component, const Factory& factory) {
        typename Factory::result_type made;
        try {
            made = factory();
        } catch (...) {
            silent_.insert(&component);
            add(Code::kFactoryThrew, named(component) + " cannot be made: " + what_was_thrown(),
                "it is made once in build(), to ask for its outputs; open what it needs in " +
                    std::string(component.is_spout() ? "open()" : "prepare()"));
            return;
        }
        try {
            Outputs outputs;
            made->declare_outputs(outputs);
            component.outputs = outputs.streams();
        } catch (...) {
            silent_.insert(&component);
            add(Code::kDeclareOutputsThrew,
                "declare_outputs() of " + named(component) + " threw: " + what_was_thrown(),
                "it must work before " +
                    std::string(component.is_spout() ? "open()" : "prepare()") + " was called");
        }
    }

    void check_id(const Component& component) {
        const std::string& id = component.id;
        const std::string kind = component.is_spout() ? "spout" : "bolt";
        if (id.empty()) return add(Code::kEmptyId, "a " + kind + " has an empty id", "name it");
        if (by_id_.at(id) != &component) {
            add(Code::kDuplicateId, named(component) + " has the id of another component",
                "give each spout and bolt an id of its own");
        }
        if (id.starts_with("__")) {
            add(Code::kMalformedId, named(component) + " has an id that starts with \"__\"",
                "such ids are the system's own; leave the underscores out");
        } else if (const std::string fault = fault_of_name(id, kIdBytesMax); !fault.empty()) {
            add(Code::kMalformedId, named(component) + " has an id that " + fault,
                "ids are file names and arguments: begin with a letter, a digit or \"_\", and use "
                "only these, \".\" and \"-\"");
        }
    }

    void check_numbers(const Component& component) {
        const int parallelism = component.parallelism;
        const bool parallelism_fits = parallelism >= 1 && parallelism <= kParallelismMax;
        if (!parallelism_fits) {
            add(Code::kParallelism,
                named(component) + " has parallelism " + std::to_string(parallelism),
                "give it 1 to " + std::to_string(kParallelismMax) + " executors");
        }
        if (component.tasks && *component.tasks < (parallelism_fits ? parallelism : 1)) {
            const std::string executors =
                parallelism_fits ? " for " + std::to_string(parallelism) + " executors" : "";
            add(Code::kTasks,
                named(component) + " has " + std::to_string(*component.tasks) + " tasks" +
                    executors,
                "each executor runs one task or more; raise tasks() or lower parallelism()");
        }
        if (component.tick && (*component.tick <= Milliseconds(0) || *component.tick > kTickMax)) {
            add(Code::kTick,
                named(component) + " ticks every " + std::to_string(component.tick->count()) +
                    " ms",
                "give a time above 0, at most a year, or leave tick() out");
        }
    }

    void check_settings(const Component& component) {
        for (const auto& [key, value] : component.settings) {
            if (std::optional<SettingMistake> mistake = check_setting(key, value)) {
                add(Code::kSetting, named(component) + ": " + mistake->what, mistake->hint);
            } else if (const Setting* const known = find_setting(key);
                       known != nullptr && !may_set(component, *known)) {
                add(Code::kSettingWithoutEffect,
                    named(component) + " sets " + quoted(key) + ", which " + whose(*known),
                    whose_hint(*known));
            }
        }
    }

    static bool may_set(const Component& component, const Setting& setting) {
        using By = Setting::SetBy;
        return setting.set_by == By::kComponents ||
               setting.set_by == (component.is_spout() ? By::kSpouts : By::kBolts);
    }
    static std::string whose(const Setting& setting) {
        if (setting.set_by == Setting::SetBy::kSpouts) return "has an effect on spouts only";
        if (setting.set_by == Setting::SetBy::kBolts) return "has an effect on bolts only";
        return setting.key.starts_with("topology.") ? "holds for the whole topology"
                                                    : "is not a topology's";
    }
    static std::string whose_hint(const Setting& setting) {
        if (setting.set_by == Setting::SetBy::kSpouts) {
            return "set it on the spouts whose tuples come here, or for all with -c";
        }
        if (setting.set_by == Setting::SetBy::kBolts) return "leave it out";
        return setting.key.starts_with("topology.")
                   ? "leave it out here, and set it with -c or in a settings file"
                   : "leave it out here; it belongs in storm.yaml";
    }

    // ---- Outputs --------------------------------------------------------------------------------

    void check_outputs(const Component& component) {
        if (component.outputs.size() > kStreamsMax) {
            add(Code::kTooManyStreams,
                named(component) + " declares " + std::to_string(component.outputs.size()) +
                    " streams",
                "declare at most " + std::to_string(kStreamsMax) +
                    "; tell tuples apart by a field instead");
        }
        std::set<std::string_view> seen;
        for (const StreamDeclaration& stream : component.outputs) {
            if (!seen.insert(stream.name).second) {
                add(Code::kDuplicateStream,
                    named(component) + " declares stream " + quoted(stream.name) + " twice",
                    "declare it once, with all of its fields");
            }
            check_stream(component, stream);
        }
    }

    void add_not_utf8(const Component& component, const std::string& thing) {
        add(Code::kNotUtf8, named(component) + " has " + as_utf8(thing) + ", which is not UTF-8",
            "names stand in metrics and JSON, which are UTF-8; write it so, or in ASCII");
    }

    void check_stream(const Component& component, const StreamDeclaration& stream) {
        const std::string which = named(stream.name, component.id);
        if (stream.name.empty() || stream.name.starts_with("__")) {
            add(Code::kMalformedStream,
                which + (stream.name.empty() ? " has an empty name" : " starts with \"__\""),
                stream.name.empty()
                    ? "name it, or leave the name out to get \"default\""
                    : "such streams are the system's own; leave the underscores out");
        }
        if (stream.fields.size() > kFieldsMax) {
            add(Code::kTooManyFields,
                which + " has " + std::to_string(stream.fields.size()) + " fields",
                "declare at most " + std::to_string(kFieldsMax) + "; a list or map holds more");
        }
        if (!is_utf8(stream.name)) add_not_utf8(component, "a stream " + quoted(stream.name));
        std::set<std::string_view> seen;
        for (const Field& field : stream.fields) {
            if (!is_utf8(field.name)) add_not_utf8(component, "a field " + quoted(field.name));
            if (field.name.empty()) {
                add(Code::kUnnamedField, which + " has a field with an empty name", "name it");
            } else if (!seen.insert(field.name).second) {
                add(Code::kDuplicateField, which + " has field " + quoted(field.name) + " twice",
                    "give each field a name of its own");
            }
        }
    }

    // ---- Inputs ---------------------------------------------------------------------------------

    void check_inputs(const Component& component) {
        if (!component.is_spout() && component.inputs.empty()) {
            add(Code::kNoInput, named(component) + " subscribes to nothing",
                "say where its tuples come from, as in shuffle(\"source\")");
        }
        for (std::size_t i = 0; i < component.inputs.size(); ++i) {
            const Subscription& input = component.inputs[i];
            const auto end = component.inputs.begin() + static_cast<std::ptrdiff_t>(i);
            if (std::any_of(component.inputs.begin(), end, [&input](const Subscription& other) {
                    return is_same(input, other);
                })) {
                add(Code::kDuplicateSubscription,
                    named(component) + " subscribes twice with " +
                        std::string(to_string(input.grouping)) + " to " +
                        named(input.stream, input.source),
                    "remove one: each tuple would come twice");
            } else {
                check_source(component, input);
            }
        }
    }

    static bool is_same(const Subscription& a, const Subscription& b) {
        // Custom groupings are skipped: two factories cannot be compared.
        return a.grouping != GroupingKind::kCustom && a.grouping == b.grouping &&
               a.source == b.source && a.stream == b.stream && a.fields == b.fields;
    }

    void check_source(const Component& component, const Subscription& input) {
        if (input.grouping == GroupingKind::kCustom && !input.custom) {
            add(Code::kNoCustomGrouping,
                named(component) + " gives no grouping to custom() for " + quoted(input.source),
                "pass a function that makes one: [] { return std::make_unique<MyGrouping>(); }");
        }
        const auto source = by_id_.find(input.source);
        if (source == by_id_.end()) {
            return add(
                Code::kUnknownSource,
                named(component) + " subscribes to unknown component " + quoted(input.source),
                guess_or(input.source, ids_except(component), "the others are"));
        }
        // Its outputs are unknown, which is reported already.
        if (silent_.contains(source->second)) return;
        check_stream_of(component, input, *source->second);
    }

    void check_stream_of(const Component& component, const Subscription& input,
                         const Component& source) {
        if (source.outputs.empty()) {
            return add(Code::kSilentSource,
                       named(component) + " subscribes to " + named(source) +
                           ", which declares no outputs",
                       "declare what it emits in its declare_outputs()");
        }
        const StreamDeclaration* const stream = source.output(input.stream);
        if (stream == nullptr) {
            return add(
                Code::kUnknownStream,
                named(component) + " subscribes to unknown " + named(input.stream, input.source),
                guess_or(input.stream, names_of(source.outputs, &StreamDeclaration::name),
                         "it declares"));
        }
        check_directness(component, input, *stream);
        if (takes_fields(input.grouping)) {
            check_grouping_fields(component, input, *stream);
        }
    }

    void check_directness(const Component& component, const Subscription& input,
                          const StreamDeclaration& stream) {
        const bool wants_direct = input.grouping == GroupingKind::kDirect;
        if (wants_direct == stream.direct) return;
        const std::string which = named(input.stream, input.source);
        if (wants_direct) {
            add(Code::kStreamIsNotDirect,
                named(component) + " subscribes with direct to " + which + ", which is not direct",
                "declare it so: outputs.stream(" + quoted(input.stream) + ", {…}, true)");
        } else {
            add(Code::kStreamIsDirect,
                named(component) + " subscribes with " + std::string(to_string(input.grouping)) +
                    " to " + which + ", which is direct",
                "subscribe with direct(), or declare the stream without `true`");
        }
    }

    void check_grouping_fields(const Component& component, const Subscription& input,
                               const StreamDeclaration& stream) {
        const std::string which = named(input.stream, input.source);
        const std::string grouping(to_string(input.grouping));
        if (input.fields.empty()) {
            add(Code::kNoGroupingField, named(component) + " groups " + which + " by no field",
                "name at least one, as in " + grouping + "(" + quoted(input.source) +
                    ", {\"key\"})");
        }
        std::set<std::string_view> seen;
        for (const std::string& name : input.fields) {
            const std::vector<std::string_view> declared = names_of(stream.fields, &Field::name);
            if (!seen.insert(name).second) {
                add(Code::kDuplicateGroupingField,
                    named(component) + " groups " + which + " twice by field " + quoted(name),
                    "name it once");
            } else if (std::find(declared.begin(), declared.end(), name) == declared.end()) {
                add(Code::kUnknownGroupingField,
                    named(component) + " groups " + which + " by unknown field " + quoted(name),
                    guess_or(name, declared, "it has"));
            }
        }
    }

    std::vector<std::string_view> ids_except(const Component& component) const {
        std::vector<std::string_view> ids = names_of(components_, &Component::id);
        std::erase(ids, component.id);
        return ids;
    }

    // ---- The whole ------------------------------------------------------------------------------

    bool has_spout() const {
        return std::any_of(components_.begin(), components_.end(),
                           [](const Component& component) { return component.is_spout(); });
    }

    /// Follows the subscriptions from the spouts, and from bolts with wrong inputs, which are
    /// reported already.
    void check_reachable() {
        std::set<std::string_view> reached;
        for (const Component& component : components_) {
            const bool unknown_source = std::any_of(
                component.inputs.begin(), component.inputs.end(),
                [this](const Subscription& input) { return !by_id_.contains(input.source); });
            if (component.inputs.empty() || unknown_source) reached.insert(component.id);
        }
        for (bool grew = true; grew;) {
            grew = false;
            for (const Component& component : components_) {
                if (hears_from(component, reached)) grew |= reached.insert(component.id).second;
            }
        }
        for (const Component& component : components_) {
            if (reached.contains(component.id)) continue;
            add(Code::kUnreachable, "no spout reaches " + named(component),
                "it hears only from " + list_of(names_of(component.inputs, &Subscription::source)) +
                    "; subscribe it or one of these to a spout");
        }
    }

    static bool hears_from(const Component& component, const std::set<std::string_view>& reached) {
        return std::any_of(
            component.inputs.begin(), component.inputs.end(),
            [&reached](const Subscription& input) { return reached.contains(input.source); });
    }

    void check_task_total() {
        std::int64_t total = 0;
        for (const Component& component : components_) total += tasks_of(component);
        if (total <= kTasksMax) return;
        add(Code::kTooManyTasks, "the topology has " + std::to_string(total) + " tasks",
            "at most " + std::to_string(kTasksMax) + " fit; lower tasks() or parallelism()");
    }

    std::vector<Component>& components_;
    std::map<std::string_view, const Component*> by_id_;  // The first component with each id.
    std::set<const Component*> silent_;  // Components whose declare_outputs() failed.
    std::vector<Mistake> mistakes_;
};

}  // namespace

std::vector<Mistake> check_topology(std::vector<Component>& components) {
    return TopologyCheck(components).run();
}

}  // namespace storm::detail
