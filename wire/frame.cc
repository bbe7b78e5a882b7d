#include "wire/frame.h"

#include <array>
#include <cstring>
#include <optional>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include "base/check.h"
#include "wire/frame.capnp.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace storm::wire {
namespace {

constexpr std::size_t kWord = sizeof(capnp::word);
constexpr std::uint32_t kSegmentsMax = 8;

capnp::Data::Reader data_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const capnp::byte*>(bytes.data()), bytes.size()};
}
capnp::Data::Reader data_of(const std::string& text) {
    return data_of(std::as_bytes(std::span(text)));
}
std::string text_of(capnp::Data::Reader data) {
    return {reinterpret_cast<const char*>(data.begin()), data.size()};
}
std::span<const std::byte> span_of(capnp::Data::Reader data) {
    return std::as_bytes(std::span(data.begin(), data.size()));
}

void fill(schema::Hello::Builder to, const Hello& hello) {
    to.setProtocolMin(hello.protocol_min);
    to.setProtocolMax(hello.protocol_max);
    to.setWorker(hello.worker);
    to.setFeatures(hello.features);
    to.setIncarnation(hello.incarnation);
    to.setTopology(hello.topology);
    to.setNonce(data_of(hello.nonce));
    to.setEpoch(hello.epoch);
}

Hello hello_of(schema::Hello::Reader from) {
    return {.protocol_min = from.getProtocolMin(),
            .protocol_max = from.getProtocolMax(),
            .worker = from.getWorker(),
            .features = from.getFeatures(),
            .incarnation = from.getIncarnation(),
            .topology = from.getTopology(),
            .nonce = text_of(from.getNonce()),
            .epoch = from.getEpoch()};
}

struct Fill {
    schema::Frame::Builder to;

    void operator()(const Hello& hello) { fill(to.initHello(), hello); }
    void operator()(const Challenge& challenge) {
        auto group = to.initChallenge();
        fill(group.initHello(), challenge.hello);
        group.setMac(data_of(challenge.mac));
    }
    void operator()(const Proof& proof) {
        auto group = to.initProof();
        group.setMac(data_of(proof.mac));
        group.setReceived(proof.received);
        group.setFenced(proof.fenced);
        group.setSucceeded(proof.succeeded);
        group.setLive(proof.live);
    }
    void operator()(const Ready& ready) {
        auto group = to.initReady();
        group.setMac(data_of(ready.mac));
        group.setReceived(ready.received);
        group.setFenced(ready.fenced);
        group.setSucceeded(ready.succeeded);
        group.setLive(ready.live);
    }
    void operator()(const Refused& refused) { to.setRefused(refused.why); }
    void operator()(const BatchFrame&) { STORM_CHECK(false, "batches have write_batch_head()"); }
    void operator()(const ControlFrame&) { STORM_CHECK(false, "there is write_control_head()"); }
    void operator()(const Receipt& receipt) {
        auto group = to.initReceipt();
        group.setSequence(receipt.sequence);
        // Its checksum: a damaged receipt would make the sender forget what never arrived.
        group.setComplement(~receipt.sequence);
    }
    void operator()(const Heartbeat&) { to.setHeartbeat(); }
};

kj::Exception malformed(const char* why) {
    return {kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::str(why)};
}

Frame frame_of(schema::Frame::Reader from) {
    switch (from.which()) {
        case schema::Frame::HELLO:
            return hello_of(from.getHello());
        case schema::Frame::CHALLENGE:
            return Challenge{hello_of(from.getChallenge().getHello()),
                             text_of(from.getChallenge().getMac())};
        case schema::Frame::PROOF:
            return Proof{text_of(from.getProof().getMac()), from.getProof().getReceived(),
                         from.getProof().getFenced(), from.getProof().getSucceeded(),
                         from.getProof().getLive()};
        case schema::Frame::READY:
            return Ready{text_of(from.getReady().getMac()), from.getReady().getReceived(),
                         from.getReady().getFenced(), from.getReady().getSucceeded(),
                         from.getReady().getLive()};
        case schema::Frame::REFUSED:
            return Refused{from.getRefused()};
        case schema::Frame::BATCH:
            return BatchFrame{span_of(from.getBatch())};
        case schema::Frame::CONTROL:
            return ControlFrame{from.getControl().getSequence(),
                                span_of(from.getControl().getRecords()),
                                from.getControl().getChecksum()};
        case schema::Frame::RECEIPT:
            if (from.getReceipt().getComplement() != ~from.getReceipt().getSequence())
                throw malformed("a receipt was damaged on the way");
            return Receipt{from.getReceipt().getSequence()};
        case schema::Frame::HEARTBEAT:
            return Heartbeat{};
    }
    // A kind of a later version; peers send those only after both have agreed on that version.
    throw malformed("unknown kind of frame");
}

base::Error refused(std::string_view why) {
    return {"cannot accept a frame: " + std::string(why)};
}

std::string flat(capnp::MessageBuilder& message) {
    const kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
    const auto bytes = words.asBytes();
    return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

/// Covers the sequence number, too: a damaged one would make the receiver skip records.
std::uint64_t control_checksum(std::uint64_t sequence, std::span<const std::byte> records) {
    return XXH3_64bits_withSeed(records.data(), records.size(), sequence);
}

/// A frame up to the `bytes` bytes of data that end it; adopt(root, data) puts them in their place.
template <typename Adopt>
std::string write_head(std::size_t bytes, Adopt&& adopt) {
    STORM_CHECK(bytes % kWord == 0 && bytes > 0, "whole words");
    // The data becomes a segment of its own. Only its size matters here: nobody reads it.
    static const capnp::word kNothing{};
    alignas(kWord) std::array<capnp::word, 32> scratch{};
    capnp::MallocMessageBuilder message(kj::arrayPtr(scratch.data(), scratch.size()));
    const capnp::Data::Reader data(reinterpret_cast<const capnp::byte*>(&kNothing), bytes);
    adopt(message.initRoot<schema::Frame>(), message.getOrphanage().referenceExternalData(data));

    const auto segments = message.getSegmentsForOutput();
    std::string head;
    const auto append = [&head](std::uint32_t word) {
        head.append(reinterpret_cast<const char*>(&word), sizeof(word));
    };
    append(static_cast<std::uint32_t>(segments.size() - 1));
    for (const auto& segment : segments) append(static_cast<std::uint32_t>(segment.size()));
    if (head.size() % kWord != 0) append(0);
    for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
        const auto of_segment = segments[i].asBytes();
        head.append(reinterpret_cast<const char*>(of_segment.begin()), of_segment.size());
    }
    STORM_CHECK(segments[segments.size() - 1].size() * kWord == bytes, "the data comes last");
    return head;
}

}  // namespace

std::string write_frame(const Frame& frame) {
    capnp::MallocMessageBuilder message;
    std::visit(Fill{message.initRoot<schema::Frame>()}, frame);
    return flat(message);
}

std::string write_batch_head(std::size_t bytes) {
    return write_head(bytes, [](schema::Frame::Builder root, capnp::Orphan<capnp::Data> batch) {
        root.adoptBatch(kj::mv(batch));
    });
}

std::string write_control_head(std::uint64_t sequence, std::span<const std::byte> records) {
    const std::uint64_t checksum = control_checksum(sequence, records);
    return write_head(records.size(),
                      [=](schema::Frame::Builder root, capnp::Orphan<capnp::Data> data) {
                          auto group = root.initControl();
                          group.setSequence(sequence);
                          group.setChecksum(checksum);
                          group.adoptRecords(kj::mv(data));
                      });
}

base::Result<base::Done> check_checksum(const ControlFrame& frame) {
    if (control_checksum(frame.sequence, frame.records) != frame.checksum)
        return refused("the checksum of its records differs: it was damaged on the way");
    return base::Done{};
}

base::Result<std::size_t> frame_bytes(std::span<const std::byte> arrived, std::size_t max) {
    if (arrived.size() < kWord) return std::size_t{0};
    std::uint32_t last = 0;
    std::memcpy(&last, arrived.data(), sizeof(last));
    if (last >= kSegmentsMax) return refused("it claims too many segments");
    // The table: the number of segments and their sizes, 32 bits each, padded to whole words.
    const std::size_t table = (std::size_t{last} + 3) / 2 * kWord;
    if (arrived.size() < table) return std::size_t{0};
    std::size_t bytes = table;
    for (std::uint32_t i = 0; i <= last; ++i) {
        std::uint32_t words = 0;
        std::memcpy(&words, arrived.data() + sizeof(words) * (i + 1), sizeof(words));
        bytes += std::size_t{words} * kWord;
    }
    if (bytes > max) {
        return refused("it has " + std::to_string(bytes) + " bytes, the limit is " +
                       std::to_string(max));
    }
    return bytes;
}

base::Result<Frame> read_frame(std::span<const std::byte> bytes) {
    STORM_CHECK(bytes.size() % kWord == 0, "frame_bytes() gives whole words");
    const kj::ArrayPtr<const capnp::word> words(reinterpret_cast<const capnp::word*>(bytes.data()),
                                                bytes.size() / kWord);
    std::optional<Frame> frame;
    std::string fault = "it is malformed";
    // A limit of one traversal is enough, since a frame points to nothing twice.
    const auto thrown = kj::runCatchingExceptions([&] {
        capnp::FlatArrayMessageReader reader(
            words, {.traversalLimitInWords = words.size() + 64, .nestingLimit = 4});
        frame = frame_of(reader.getRoot<schema::Frame>());
    });
    KJ_IF_MAYBE (exception, thrown) {
        fault += std::string(": ") + exception->getDescription().cStr();
    }
    if (!frame) return refused(fault);
    return *std::move(frame);
}

}  // namespace storm::wire
