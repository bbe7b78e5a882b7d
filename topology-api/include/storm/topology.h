// A topology: what TopologyBuilder::build() has checked. A value; nothing runs yet.
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

struct StreamDeclaration {
    std::string name;
    std::vector<Field> fields;
    bool direct = false;
};

/// Given to declare_outputs().
class Outputs {
public:
    Outputs& stream(std::vector<Field> fields) { return stream("default", std::move(fields)); }
    Outputs& stream(std::string_view name, std::vector<Field> fields, bool direct = false) {
        streams_.push_back({std::string(name), std::move(fields), direct});
        return *this;
    }
    const std::vector<StreamDeclaration>& streams() const { return streams_; }

private:
    std::vector<StreamDeclaration> streams_;
};

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
std::string_view to_string(GroupingKind kind);

struct Subscription {
    std::string source;
    std::string stream;
    GroupingKind grouping = GroupingKind::kShuffle;
    std::vector<std::string> fields;                    ///< For kFields and kPartialKey.
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
    std::optional<int> tasks;  ///< Not given: as many as executors.
    bool blocking = false;
    std::optional<Milliseconds> tick;
    bool ticks = false;  ///< tick() without a time: topology.tick.tuple.freq.secs says it.
    std::vector<StreamDeclaration> outputs;
    std::vector<Subscription> inputs;
    std::vector<std::pair<std::string, std::string>> settings;

    bool is_spout() const { return factory.index() == 0; }
    const StreamDeclaration* output(std::string_view stream) const;
};

/// Immutable, checked. Copies share nothing mutable.
class Topology {
public:
    const std::vector<Component>& components() const {
        return components_;
    }  ///< In the order of declaration.
    const Component* component(std::string_view id) const;

private:
    friend class TopologyBuilder;
    std::vector<Component> components_;
};

}  // namespace storm
