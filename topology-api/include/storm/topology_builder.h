// Declares a topology: components, their parallelism, and who listens to whom.
//
//     storm::TopologyBuilder t;
//     t.spout<FileLines>("lines", config.string("input")).blocking();
//     t.bolt<SplitSentence>("split").parallelism(2).shuffle("lines");
//     t.bolt<CountWords>("count").parallelism(2).fields("split", {"word"});
//     return t.build();
//
// Order:   spout() and bolt() return a reference that stays valid until build(). Components may be
// named before
//          they are declared; build() checks the whole.
// Threads: one.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <storm/topology.h>

namespace storm {

class SpoutDeclarer {
public:
    explicit SpoutDeclarer(Component& component) : component_(&component) {}

    SpoutDeclarer& parallelism(int executors) { return component_->parallelism = executors, *this; }
    SpoutDeclarer& tasks(int count) { return component_->tasks = count, *this; }
    SpoutDeclarer& blocking() {
        return component_->blocking = true, *this;
    }  ///< Executors get a thread of their own.
    SpoutDeclarer& set(std::string_view key, std::string_view value) {
        component_->settings.emplace_back(key, value);
        return *this;
    }

private:
    Component* component_;
};

/// Each grouping takes the source component and, optionally, its stream.
class BoltDeclarer {
public:
    explicit BoltDeclarer(Component& component) : component_(&component) {}

    BoltDeclarer& parallelism(int executors) { return component_->parallelism = executors, *this; }
    BoltDeclarer& tasks(int count) { return component_->tasks = count, *this; }
    BoltDeclarer& blocking() { return component_->blocking = true, *this; }
    /// execute() also gets a tuple with is_tick() this often, as long as anything else runs.
    BoltDeclarer& tick(Milliseconds every) { return component_->tick = every, *this; }
    /// As often as topology.tick.tuple.freq.secs says, if it is set. Bolts that do not ask get no
    /// ticks by it: they would take them for tuples.
    BoltDeclarer& tick() { return component_->ticks = true, *this; }
    BoltDeclarer& set(std::string_view key, std::string_view value) {
        component_->settings.emplace_back(key, value);
        return *this;
    }

    /// To all tasks in turn; tasks that cannot take more now are skipped.
    BoltDeclarer& shuffle(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kShuffle);
    }
    /// Equal values of the named fields go to the same task.
    BoltDeclarer& fields(std::string_view source, std::vector<std::string> names,
                         std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kFields, std::move(names));
    }
    /// Equal values go to one of two tasks, the less used one.
    BoltDeclarer& partial_key(std::string_view source, std::vector<std::string> names,
                              std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kPartialKey, std::move(names));
    }
    /// To every task.
    BoltDeclarer& all(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kAll);
    }
    /// To the task with the lowest id.
    BoltDeclarer& global(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kGlobal);
    }
    /// "I do not care": to a random task.
    BoltDeclarer& none(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kNone);
    }
    /// The emitter names the task, with to(). Needs a stream that is declared direct.
    BoltDeclarer& direct(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kDirect);
    }
    /// Like shuffle, among the nearest tasks: of the same event loop, else of the same worker, else
    /// all.
    BoltDeclarer& local_or_shuffle(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kLocalOrShuffle);
    }
    BoltDeclarer& custom(std::string_view source, std::function<std::unique_ptr<Grouping>()> make,
                         std::string_view stream = "default") {
        subscribe(source, stream, GroupingKind::kCustom);
        component_->inputs.back().custom = std::move(make);
        return *this;
    }

private:
    BoltDeclarer& subscribe(std::string_view source, std::string_view stream, GroupingKind kind,
                            std::vector<std::string> fields = {}) {
        component_->inputs.push_back(
            {std::string(source), std::string(stream), kind, std::move(fields), nullptr});
        return *this;
    }

    Component* component_;
};

class TopologyBuilder {
public:
    /// The factory runs once per task, and once in build() to ask for the outputs. Arguments are
    /// copied into it; T is made from them.
    template <typename T, typename... Args>
    SpoutDeclarer& spout(std::string_view id, Args... args) {
        static_assert(std::is_base_of_v<Spout, T>, "a spout derives from storm::Spout");
        Component& component = add(id);
        component.factory = Component::SpoutFactory(factory<T, Spout>(std::move(args)...));
        return spouts_.emplace_back(component);
    }
    template <typename T, typename... Args>
    BoltDeclarer& bolt(std::string_view id, Args... args) {
        static_assert(std::is_base_of_v<Bolt, T> || std::is_base_of_v<BasicBolt, T>,
                      "a bolt derives from storm::Bolt or storm::BasicBolt");
        Component& component = add(id);
        if constexpr (std::is_base_of_v<Bolt, T>) {
            component.factory = Component::BoltFactory(factory<T, Bolt>(std::move(args)...));
        } else {
            component.factory =
                Component::BasicBoltFactory(factory<T, BasicBolt>(std::move(args)...));
        }
        return bolts_.emplace_back(component);
    }
    /// A lambda (const Tuple&, BasicCollector&) as a basic bolt. Each task gets a copy.
    template <typename F>
    BoltDeclarer& bolt_fn(std::string_view id, std::vector<Field> fields, F execute) {
        class Lambda final : public BasicBolt {
        public:
            Lambda(std::vector<Field> fields, F run)
                : fields_(std::move(fields)), execute_(std::move(run)) {}
            void declare_outputs(Outputs& outputs) const override {
                if (!fields_.empty()) outputs.stream(fields_);
            }
            void execute(const Tuple& input, BasicCollector& out) override { execute_(input, out); }

        private:
            std::vector<Field> fields_;
            F execute_;
        };
        return bolt<Lambda>(id, std::move(fields), std::move(execute));
    }

    /// Throws TopologyError listing every mistake, each with a hint.
    Topology build();

private:
    template <typename T, typename Base, typename... Args>
    static auto factory(Args... args) {
        return [args = std::make_tuple(std::move(args)...)]() -> std::unique_ptr<Base> {
            return std::apply([](const auto&... each) { return std::make_unique<T>(each...); },
                              args);
        };
    }
    Component& add(std::string_view id) {
        Component& component = components_.emplace_back();
        component.id = std::string(id);
        return component;
    }

    std::deque<Component> components_;  // References into them stay valid.
    std::deque<SpoutDeclarer> spouts_;
    std::deque<BoltDeclarer> bolts_;
};

}  // namespace storm
