// An emitter that keeps the rows it is given, and remembers what was acked and failed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <storm/detail/emitter.h>
#include <storm/errors.h>

namespace storm {

class FakeEmitter final : public detail::Emitter {
public:
    struct Emitted {
        std::string stream;
        std::vector<std::byte> row;
        TaskId direct = detail::kNoTask;
        MessageId id = 0;
        std::size_t anchors = 0;

        Tuple tuple(const detail::StreamSchema& schema) const {
            return detail::TupleAccess::make(row.data(), detail::row_offsets_at(row.data()), schema,
                                             7);
        }
    };

    FakeEmitter() : buffer_(kBufferBytes) {}
    virtual ~FakeEmitter() = default;

    void declare(std::string_view name, std::vector<Field> fields, bool direct = false) {
        Declared& declared = streams_.emplace_back();
        declared.name = std::string(name);
        declared.fields = std::move(fields);
        declared.out.outlet = &outlet_;
        declared.out.fields = declared.fields.data();
        declared.out.field_count = static_cast<std::uint16_t>(declared.fields.size());
        declared.out.id = static_cast<std::uint16_t>(streams_.size() - 1);
        for (const Field& field : declared.fields) declared.out.typed |= field.kind != Kind::kAny;
        declared.out.direct = direct;
        declared.out.name = declared.name;
    }
    detail::StreamSchema schema(std::string_view name) {
        for (const Declared& each : streams_) {
            if (each.name == name) return {"source", each.name, each.fields};
        }
        return {};
    }
    void turn_tracking_off() { tracked_anchors_ = 0; }
    void limit_tuple_bytes(std::size_t bytes_max) { tuple_bytes_max_ = bytes_max; }

    std::vector<Emitted> emitted;
    std::vector<const Tuple*> acked, failed;
    int finished_calls = 0;

    detail::OutStream& stream(std::string_view name) override {
        for (Declared& each : streams_) {
            if (each.name == name) return each.out;
        }
        throw EmitError("no such stream");
    }
    void make_room(detail::OutStream& /*stream*/, std::size_t bytes,
                   std::size_t /*anchors*/) override {
        if (bytes > tuple_bytes_max_) throw EmitError("too large");
        outlet_.cursor = buffer_.data();
        outlet_.end = buffer_.data() + buffer_.size();
    }
    void commit_untracked(detail::OutStream& stream, std::size_t bytes, TaskId direct) override {
        commit(stream, bytes, direct, 0, 0);
    }
    void commit_tracked(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                        MessageId id) override {
        commit(stream, bytes, direct, id, tracked_anchors_);
    }
    void commit_anchored(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                         const Tuple& anchor) override {
        commit(stream, bytes, direct, 0, anchor_count(anchor));
    }
    void commit_joined(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                       std::span<const Tuple* const> anchors) override {
        commit(stream, bytes, direct, 0, anchors.size());
    }
    std::size_t union_roots(std::span<const Tuple* const> anchors) override {
        return anchors.size();
    }

    void ack(const Tuple& input) override { acked.push_back(&input); }
    void fail(const Tuple& input, std::string_view /*why*/) override { failed.push_back(&input); }
    Kept keep(const Tuple& /*input*/) override { return {}; }
    void ack(Kept&& /*input*/) override {}
    void fail(Kept&& /*input*/, std::string_view /*why*/) override {}
    void reset_timeout(const Tuple& /*input*/) override {}
    void finished() override { ++finished_calls; }
    std::function<void()> waker() override {
        return [] {};
    }
    void report_error(std::string_view /*what*/) override {}
    void reject_count(const detail::OutStream& stream, std::size_t given) override {
        throw EmitError(std::to_string(given) + " values for " + std::string(stream.name));
    }
    void reject_kind(const detail::OutStream& stream, std::size_t i, detail::Tag given) override {
        throw EmitError(stream.fields[i].name + " is given " + std::string(to_string(given)));
    }

private:
    static constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

    struct Declared {
        std::string name;
        std::vector<Field> fields;
        detail::OutStream out;
    };

    void commit(const detail::OutStream& stream, std::size_t bytes, TaskId direct, MessageId id,
                std::size_t anchors) {
        const std::byte* const row = outlet_.cursor;
        emitted.push_back({std::string(stream.name), {row, row + bytes}, direct, id, anchors});
        outlet_.cursor += bytes;
    }

    std::vector<std::byte> buffer_;
    detail::Outlet outlet_;
    std::deque<Declared> streams_;
};

}  // namespace storm
