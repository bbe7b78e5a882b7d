// Declares a topology: its components, their parallelism, and their subscriptions.
//
//     storm::Topology word_counter(const storm::Config& config) {
//         storm::TopologyBuilder t;
//         t.spout<Lines>("lines").blocking();  // It waits for its input.
//         t.bolt<Split>("split").parallelism(2).local_or_shuffle("lines");
//         t.bolt<Count>("count")
//             .parallelism(2)
//             .tasks(static_cast<int>(config.int64("count.tasks", 8)))
//             .tick(storm::Milliseconds(1000))
//             .fields("split", {"word"});
//         return t.build();
//     }
//
// Order:   a subscription may name a component before it is declared; build() checks the whole.
//          The declarers that spout() and bolt() return stay valid as long as the builder.
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

/// Declares how a spout is run. Each call returns the same declarer, so calls can be chained.
class SpoutDeclarer {
public:
    /// Used by TopologyBuilder.
    explicit SpoutDeclarer(Component& component) : component_(&component) {}

    /// Number of executors that run the spout's tasks, in all workers together: as many of its
    /// calls may run at a time. From 1, the default, to 10,000.
    SpoutDeclarer& parallelism(int executors) { return component_->parallelism = executors, *this; }
    /// Number of tasks that the executors share, each with an object of its own. At least as many
    /// as executors; the default is topology.tasks, else one per executor.
    SpoutDeclarer& tasks(int count) { return component_->tasks = count, *this; }
    /// Gives each executor a thread of its own, for the whole run. For spouts that wait inside
    /// next_tuple(), as for a socket or standard input. Other executors share the threads of the
    /// worker, one per core.
    SpoutDeclarer& blocking() { return component_->blocking = true, *this; }
    /// Sets a key for this component alone, over the topology's configuration: one of the user's
    /// own, or a setting of Storm's that has an effect on a spout (docs/settings.md says which).
    SpoutDeclarer& set(std::string_view key, std::string_view value) {
        component_->settings.emplace_back(key, value);
        return *this;
    }

private:
    Component* component_;
};

/// Declares how a bolt is run and what it subscribes to. Each call returns the same declarer, so
/// calls can be chained.
///
/// A bolt subscribes to one or more streams. Each grouping takes the source component and,
/// optionally, its stream, and determines which of the bolt's tasks get a tuple. If a source has
/// several subscribers, each of them gets all of its tuples.
class BoltDeclarer {
public:
    /// Used by TopologyBuilder.
    explicit BoltDeclarer(Component& component) : component_(&component) {}

    /// Like SpoutDeclarer::parallelism(): the number of executors that run the bolt's tasks;
    /// default 1.
    BoltDeclarer& parallelism(int executors) { return component_->parallelism = executors, *this; }
    /// Like SpoutDeclarer::tasks(): the number of tasks that the executors share. A fields grouping
    /// divides the keys among the tasks.
    BoltDeclarer& tasks(int count) { return component_->tasks = count, *this; }
    /// Like SpoutDeclarer::blocking(). For bolts that wait inside execute(), as for a database.
    BoltDeclarer& blocking() { return component_->blocking = true, *this; }
    /// Has execute() called with a tick, a tuple with is_tick(), this often on each task: above 0,
    /// at most a year. Ticks that a task was too busy for are skipped.
    BoltDeclarer& tick(Milliseconds every) { return component_->tick = every, *this; }
    /// The same with the interval of topology.tick.tuple.freq.secs, if that is set. The setting
    /// alone sends no ticks, unless the bolt itself sets it with set(): other bolts would take them
    /// for tuples.
    BoltDeclarer& tick() { return component_->ticks = true, *this; }
    /// Like SpoutDeclarer::set().
    BoltDeclarer& set(std::string_view key, std::string_view value) {
        component_->settings.emplace_back(key, value);
        return *this;
    }

    /// Tasks get tuples in turn; those that can take no more now are skipped.
    BoltDeclarer& shuffle(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kShuffle);
    }
    /// Tuples with equal values in the named fields go to the same task.
    BoltDeclarer& fields(std::string_view source, std::vector<std::string> names,
                         std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kFields, std::move(names));
    }
    /// Tuples with equal values in the named fields go to two tasks, each tuple to the one that
    /// this emitter has used less. For keys that are too frequent for one task; what the bolt
    /// computes for a key is then in two parts.
    BoltDeclarer& partial_key(std::string_view source, std::vector<std::string> names,
                              std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kPartialKey, std::move(names));
    }
    /// Every task gets each tuple.
    BoltDeclarer& all(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kAll);
    }
    /// All tuples go to the task with the lowest id.
    BoltDeclarer& global(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kGlobal);
    }
    /// Each tuple goes to a random task: "I do not care".
    BoltDeclarer& none(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kNone);
    }
    /// The emitter names the task that gets a tuple, with to(). Needs a stream declared direct,
    /// which takes no other grouping.
    BoltDeclarer& direct(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kDirect);
    }
    /// Like shuffle, but the nearest tasks that can take more go first: those on the emitter's
    /// event loop, then those in its worker, then all others.
    BoltDeclarer& local_or_shuffle(std::string_view source, std::string_view stream = "default") {
        return subscribe(source, stream, GroupingKind::kLocalOrShuffle);
    }
    /// The user's own Grouping chooses. `make` is called once per emitting task; storm/grouping.h
    /// has an example.
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

/// Collects the components of a topology and checks them.
class TopologyBuilder {
public:
    /// Adds a spout: an object of class T for each task. `id` names it in subscriptions, messages
    /// and metrics: letters, digits, `_`, `.` and `-`, and unique. `args` are copied, and each
    /// object is made from the copies: once per task, and once in build(), which asks it for its
    /// outputs.
    template <typename T, typename... Args>
    SpoutDeclarer& spout(std::string_view id, Args... args) {
        static_assert(std::is_base_of_v<Spout, T>, "a spout derives from storm::Spout");
        Component& component = add(id);
        if constexpr (std::is_base_of_v<Spout, T>)
            component.factory = factory<T, Component::SpoutFactory>(std::move(args)...);
        return spouts_.emplace_back(component);
    }
    /// Adds a bolt: an object of class T for each task; otherwise like spout(). T derives from Bolt
    /// or BasicBolt.
    template <typename T, typename... Args>
    BoltDeclarer& bolt(std::string_view id, Args... args) {
        static_assert(std::is_base_of_v<Bolt, T> || std::is_base_of_v<BasicBolt, T>,
                      "a bolt derives from storm::Bolt or storm::BasicBolt");
        Component& component = add(id);
        if constexpr (std::is_base_of_v<Bolt, T>) {
            component.factory = factory<T, Component::BoltFactory>(std::move(args)...);
        } else if constexpr (std::is_base_of_v<BasicBolt, T>) {
            component.factory = factory<T, Component::BasicBoltFactory>(std::move(args)...);
        }
        return bolts_.emplace_back(component);
    }
    /// Adds a function as a basic bolt: `execute(const Tuple&, BasicCollector&)` is called for each
    /// tuple, like BasicBolt::execute(). Each task has a copy of it. `fields` are those of the
    /// stream "default"; none if the bolt emits nothing.
    ///
    ///     storm::TopologyBuilder t;
    ///     t.bolt_fn("lengths", {"length"},
    ///               [](const storm::Tuple& line, storm::BasicCollector& lengths) {
    ///                   lengths.emit(line.string("line").size());
    ///               })
    ///         .shuffle("lines");
    template <typename F>
    BoltDeclarer& bolt_fn(std::string_view id, std::vector<Field> fields, F execute) {
        static_assert(std::is_invocable_v<F&, const Tuple&, BasicCollector&>,
                      "bolt_fn() takes a function of (const storm::Tuple&, "
                      "storm::BasicCollector&)");
        class Lambda final : public BasicBolt {
        public:
            Lambda(std::vector<Field> fields, F run)
                : fields_(std::move(fields)), execute_(std::move(run)) {}
            void declare_outputs(Outputs& outputs) const override {
                if (!fields_.empty()) outputs.stream(fields_);
            }
            void execute(const Tuple& input, BasicCollector& out) override {
                if constexpr (std::is_invocable_v<F&, const Tuple&, BasicCollector&>)
                    execute_(input, out);
            }

        private:
            std::vector<Field> fields_;
            F execute_;
        };
        return bolt<Lambda>(id, std::move(fields), std::move(execute));
    }

    /// The topology. Throws TopologyError, which lists every mistake, each with a code and a hint;
    /// docs/errors.md explains the codes.
    Topology build();

private:
    /// Each mistake that prevents compilation gives one error, in a line of its own.
    template <typename T, typename Factory, typename... Args>
    static Factory factory(Args... args) {
        constexpr bool kIsWhole = !std::is_abstract_v<T>;
        static_assert(kIsWhole,
                      "the component lacks a function that it must override: a spout "
                      "declare_outputs() and next_tuple(), a bolt execute()");
        constexpr bool kAreCopied = (std::is_copy_constructible_v<Args> && ... && true);
        static_assert(kAreCopied,
                      "each task gets copies of the arguments, and one of these cannot be copied: "
                      "give a std::shared_ptr instead of a std::unique_ptr, or what the "
                      "component can make it from");
        if constexpr (kIsWhole && kAreCopied) {
            constexpr bool kFit = std::is_constructible_v<T, const Args&...>;
            static_assert(kFit,
                          "the component has no constructor for the arguments behind the id: "
                          "spout<T>(id, arguments...) and bolt<T>(id, arguments...) pass them on");
            if constexpr (kFit) {
                return [args = std::make_tuple(std::move(args)...)] {
                    return std::apply(
                        [](const auto&... each) { return std::make_unique<T>(each...); }, args);
                };
            }
        }
        return nullptr;
    }
    Component& add(std::string_view id) {
        Component& component = components_.emplace_back();
        component.id = std::string(id);
        return component;
    }

    std::deque<Component> components_;  // A deque, so that references into it stay valid.
    std::deque<SpoutDeclarer> spouts_;
    std::deque<BoltDeclarer> bolts_;
};

}  // namespace storm
