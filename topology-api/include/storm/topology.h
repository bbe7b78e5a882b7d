// A topology, checked by TopologyBuilder::build(). A value; nothing runs yet.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <storm/bolt.h>
#include <storm/config.h>
#include <storm/grouping.h>
#include <storm/spout.h>

namespace storm {

using Milliseconds = std::chrono::milliseconds;

/// One stream of a component, from its declare_outputs().
struct StreamDeclaration {
    std::string name;
    std::vector<Field> fields;
    bool direct = false;  ///< The emitter names the task that gets the tuple, with to().
};

/// Given to declare_outputs() to declare streams.
///
///     void declare(storm::Outputs& outputs) {
///         outputs.stream({"word", {"count", storm::Kind::kInt64}});
///         outputs.stream("rejected", {"line", "why"});
///         outputs.stream("answers", {"answer"}, true);  // Direct.
///     }
class Outputs {
public:
    /// Declares the stream "default", which emits without on() use.
    Outputs& stream(std::vector<Field> fields) { return stream("default", std::move(fields)); }
    /// Declares a stream by name; collectors reach it with on(). Its tuples have these fields, at
    /// most 1,024, in this order. `direct`: each tuple goes to the task that the emitter names with
    /// to().
    Outputs& stream(std::string_view name, std::vector<Field> fields, bool direct = false) {
        streams_.push_back({std::string(name), std::move(fields), direct});
        return *this;
    }
    /// The streams declared so far.
    const std::vector<StreamDeclaration>& streams() const { return streams_; }

private:
    std::vector<StreamDeclaration> streams_;
};

/// How the tasks that get a tuple are chosen. BoltDeclarer describes each kind.
enum class GroupingKind : std::uint8_t {
    kShuffle,
    kFields,
    kPartialKey,
    kAll,
    kGlobal,
    kNone,
    kDirect,
    kLocalOrShuffle,
    kCustom
};
/// The text for it, such as "shuffle" or "local_or_shuffle".
constexpr std::string_view to_string(GroupingKind kind) {
    switch (kind) {
        case GroupingKind::kShuffle:
            return "shuffle";
        case GroupingKind::kFields:
            return "fields";
        case GroupingKind::kPartialKey:
            return "partial_key";
        case GroupingKind::kAll:
            return "all";
        case GroupingKind::kGlobal:
            return "global";
        case GroupingKind::kNone:
            return "none";
        case GroupingKind::kDirect:
            return "direct";
        case GroupingKind::kLocalOrShuffle:
            return "local_or_shuffle";
        case GroupingKind::kCustom:
            return "custom";
    }
    return "unknown";
}
/// Whether it chooses by the values of fields, which a subscription names.
constexpr bool takes_fields(GroupingKind kind) {
    return kind == GroupingKind::kFields || kind == GroupingKind::kPartialKey;
}

/// One input of a bolt.
struct Subscription {
    std::string source;
    std::string stream;
    GroupingKind grouping = GroupingKind::kShuffle;
    std::vector<std::string> fields;                    ///< For those that takes_fields().
    std::function<std::unique_ptr<Grouping>()> custom;  ///< For kCustom.
};

/// One spout or bolt of a topology.
struct Component {
    using SpoutFactory = std::function<std::unique_ptr<Spout>()>;
    using BoltFactory = std::function<std::unique_ptr<Bolt>()>;
    using BasicBoltFactory = std::function<std::unique_ptr<BasicBolt>()>;

    std::string id;
    std::variant<SpoutFactory, BoltFactory, BasicBoltFactory> factory;
    int parallelism = 1;
    std::optional<int> tasks;  ///< Not set: topology.tasks, else one per executor.
    bool blocking = false;
    std::optional<Milliseconds> tick;
    bool ticks = false;  ///< tick() without a time: topology.tick.tuple.freq.secs has it.
    std::vector<StreamDeclaration> outputs;
    std::vector<Subscription> inputs;
    std::vector<std::pair<std::string, std::string>> settings;

    /// Whether it is a spout; otherwise it is a bolt.
    bool is_spout() const { return factory.index() == 0; }
    /// The stream with this name; null if it is not declared.
    const StreamDeclaration* output(std::string_view stream) const;
};

/// Immutable and checked. Copies share nothing mutable.
class Topology {
public:
    /// All components, in the order of their declaration.
    const std::vector<Component>& components() const { return components_; }
    /// The component with this id; null if there is none.
    const Component* component(std::string_view id) const;

private:
    friend class TopologyBuilder;
    std::vector<Component> components_;
};

}  // namespace storm
