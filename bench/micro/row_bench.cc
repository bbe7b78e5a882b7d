// Rows: building one where it will be sent from, and reading its fields.
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <storm/detail/emitter.h>
#include <storm/detail/row.h>
#include <storm/detail/tuple_access.h>

namespace storm::detail {
namespace {

/// Builds every row at the same place, and sends none.
class Builder final : public Emitter {
public:
    Builder() {
        outlet_.cursor = bytes_.data();
        outlet_.end = bytes_.data() + bytes_.size();
        stream_.outlet = &outlet_;
        stream_.name = "default";
    }
    OutStream& declare(std::span<const Field> fields) {
        stream_.fields = fields.data();
        stream_.field_count = static_cast<std::uint16_t>(fields.size());
        stream_.typed = true;
        return stream_;
    }
    const std::byte* row() const { return bytes_.data(); }

    OutStream& stream(std::string_view) override { return stream_; }
    void make_room(OutStream&, std::size_t, std::size_t) override {}
    void commit_untracked(OutStream&, std::size_t, TaskId) override {}
    void commit_tracked(OutStream&, std::size_t, TaskId, MessageId) override {}
    void commit_anchored(OutStream&, std::size_t, TaskId, const Tuple&) override {}
    void commit_joined(OutStream&, std::size_t, TaskId, std::span<const Tuple* const>) override {}
    std::size_t union_roots(std::span<const Tuple* const>) override { return 0; }
    void ack(const Tuple&) override {}
    void fail(const Tuple&, std::string_view) override {}
    Kept keep(const Tuple&) override { return {}; }
    void ack(Kept&&) override {}
    void fail(Kept&&, std::string_view) override {}
    void reset_timeout(const Tuple&) override {}
    void finished() override {}
    std::function<void()> waker() override { return {}; }
    void report_error(std::string_view) override {}
    [[noreturn]] void reject_count(const OutStream&, std::size_t) override { std::abort(); }
    [[noreturn]] void reject_kind(const OutStream&, std::size_t, Tag) override { std::abort(); }

private:
    std::array<std::byte, 4096> bytes_{};
    Outlet outlet_;
    OutStream stream_;
};

const std::vector<Field>& fields() {
    static const std::vector<Field> kFields = {{"count", Kind::kInt64}, {"word", Kind::kString}};
    return kFields;
}

std::string word_of(const benchmark::State& state) {
    return std::string(static_cast<std::size_t>(state.range(0)), 'w');
}

/// An int64 and a word of so many letters, anchored.
void BM_BuildRow(benchmark::State& state) {
    Builder builder;
    OutStream& stream = builder.declare(fields());
    const std::string word = word_of(state);
    std::int64_t count = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(builder.build_row(stream, 1, ++count, word));
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_BuildRow)->Arg(5)->Arg(12)->Arg(100)->Arg(1000);

void BM_ReadRow(benchmark::State& state) {
    Builder builder;
    OutStream& stream = builder.declare(fields());
    const std::string word = word_of(state);
    builder.build_row(stream, 1, std::int64_t{7}, word);
    const StreamSchema schema{"split", "default", fields()};
    const std::byte* row = builder.row();
    for (auto _ : state) {
        benchmark::DoNotOptimize(row);
        const Tuple tuple = TupleAccess::make(row, row_offsets_at(row), schema, 1);
        benchmark::DoNotOptimize(tuple.int64(0));
        benchmark::DoNotOptimize(tuple.string(1));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ReadRow)->Arg(5)->Arg(100);

}  // namespace
}  // namespace storm::detail
