// storm-starter's SingleJoinExample: joins two streams by id. What waits for its other half is
// kept, and so stays part of its tree: if that half does not come in time it fails, and comes
// again.
//
//     gender --by id--> join --shuffle--> print
//     age ----by id--->

#include <map>
#include <string>
#include <utility>

#include "generated.h"

namespace {

void emit_gender(std::uint64_t number, storm::SpoutCollector& out) {
    out.emit_tracked(number, number, number % 2 == 0 ? "male" : "female");
}

void emit_age(std::uint64_t number, storm::SpoutCollector& out) {
    const std::uint64_t id = 9 - number % 10;
    out.emit_tracked(number, id, id + 20);
}

class Join final : public storm::Bolt {
public:
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({{"id", storm::Kind::kInt64}, "gender", {"age", storm::Kind::kInt64}});
    }
    void execute(const storm::Tuple& input, storm::BoltCollector& out) override {
        if (input.is_tick()) return expire(out);
        auto waiting = take(input.int64("id"));
        if (!waiting) {
            young_[input.int64("id")] = out.keep(input);
            return;
        }
        const storm::Tuple* const both[] = {&input, &waiting.tuple()};
        const storm::Tuple& gender = *both[input.has("gender") ? 0 : 1];
        const storm::Tuple& age = *both[input.has("age") ? 0 : 1];
        out.emit(both, input.int64("id"), gender.string("gender"), age.int64("age"));
        out.ack(std::move(waiting));
        out.ack(input);
    }
    /// No more will come: what still waits has no other half.
    void inputs_ended(storm::BoltCollector& out) override {
        for (auto* const kept : {&young_, &old_}) {
            for (auto& [id, tuple] : std::exchange(*kept, {})) out.ack(std::move(tuple));
        }
    }

private:
    using ById = std::map<std::int64_t, storm::Kept>;

    storm::Kept take(std::int64_t id) {
        for (ById* const kept : {&young_, &old_}) {
            if (auto found = kept->extract(id)) return std::move(found.mapped());
        }
        return {};
    }
    /// Fails tuples that have waited for a whole tick, and so for at most two.
    void expire(storm::BoltCollector& out) {
        for (auto& [id, tuple] : old_) out.fail(std::move(tuple), "the other half has not come");
        old_ = std::exchange(young_, {});
    }

    ById young_, old_;
};

storm::Topology single_join(const storm::Config& config) {
    const std::int64_t limit = config.int64("limit", 10);
    storm::TopologyBuilder t;
    t.spout<starter::Generated>("gender",
                                std::vector<storm::Field>{{"id", storm::Kind::kInt64}, "gender"},
                                emit_gender, limit, 0);
    t.spout<starter::Generated>(
        "age", std::vector<storm::Field>{{"id", storm::Kind::kInt64}, {"age", storm::Kind::kInt64}},
        emit_age, limit, 0);
    t.bolt<Join>("join")
        .parallelism(2)
        .tick(storm::Milliseconds(10'000))
        .fields("gender", {"id"})
        .fields("age", {"id"});
    t.bolt_fn("print", {}, starter::print).shuffle("join");
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(single_join)
