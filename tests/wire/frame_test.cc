#include "wire/frame.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/support/bytes.h"
#include "wire/control.h"

namespace storm::wire {
namespace {

using ::testing::HasSubstr;

/// Bytes at a multiple of 8, as they arrive.
class Aligned {
public:
    explicit Aligned(const std::string& bytes) : words_((bytes.size() + 7) / 8) {
        std::memcpy(words_.data(), bytes.data(), bytes.size());
        size_ = bytes.size();
    }
    std::span<const std::byte> bytes() const {
        return std::as_bytes(std::span(words_)).first(size_);
    }

private:
    std::vector<std::uint64_t> words_;
    std::size_t size_ = 0;
};

template <typename T>
T there_and_back(const Frame& frame) {
    const Aligned arrived(write_frame(frame));
    const auto size = frame_bytes(arrived.bytes(), kFrameBytesMax);
    EXPECT_TRUE(size && *size == arrived.bytes().size());
    const auto read = read_frame(arrived.bytes());
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    return std::get<T>(*read);
}

const Hello kHello{.worker = 3,
                   .features = 5,
                   .incarnation = 0x0000000200000001,
                   .topology = "wc-1-2",
                   .nonce = std::string(kNonceBytes, 'n')};

TEST(Frame, FramesOfTheHandshakeAreReadAsTheyWereWritten) {
    EXPECT_EQ(there_and_back<Hello>(kHello), kHello);
    const auto challenge =
        there_and_back<Challenge>(Challenge{kHello, std::string(kMacBytes, 'm')});
    EXPECT_EQ(challenge.hello, kHello);
    EXPECT_EQ(challenge.mac, std::string(kMacBytes, 'm'));
    const auto proof = there_and_back<Proof>(Proof{std::string(kMacBytes, 'p'), 77, true});
    EXPECT_EQ(proof.mac, std::string(kMacBytes, 'p'));
    EXPECT_EQ(proof.received, 77);
    EXPECT_TRUE(proof.fenced);
    const auto ready = there_and_back<Ready>(Ready{"mac", 9, true});
    EXPECT_EQ(ready.mac, "mac");
    EXPECT_EQ(ready.received, 9);
    EXPECT_TRUE(ready.fenced);
    EXPECT_EQ(there_and_back<Refused>(Refused{"why"}).why, "why");
    there_and_back<Heartbeat>(Heartbeat{});
    EXPECT_EQ(there_and_back<Receipt>(Receipt{1'000}).sequence, 1'000);
}

TEST(Frame, HandshakeFramesKeepToTheLimitForStrangers) {
    Hello longest = kHello;
    longest.topology = std::string(200, 't');
    EXPECT_LE(write_frame(Challenge{longest, std::string(kMacBytes, 'm')}).size(),
              kHandshakeBytesMax);
}

TEST(Frame, ControlRecordsArriveAligned) {
    const std::vector<ControlRecord> records = {make_ack(1, 2), make_credit(3, 4)};
    const auto bytes = std::as_bytes(std::span(records));
    const std::string frame = testing::with_bytes(write_control_head(5, bytes), bytes);
    const Aligned arrived(frame);
    const auto read = read_frame(arrived.bytes());
    ASSERT_TRUE(read);
    const auto& control = std::get<ControlFrame>(*read);
    EXPECT_EQ(control.sequence, 5);
    ASSERT_EQ(control.records.size(), 2 * sizeof(ControlRecord));
    EXPECT_EQ(control_record(control.records, 1), records[1]);
}

TEST(Frame, AByteOfControlRecordsOrOfAReceiptThatIsChangedIsFound) {
    const std::vector<ControlRecord> records = {make_ack(1, 2), make_credit(3, 4)};
    const auto bytes = std::as_bytes(std::span(records));
    const std::string control = testing::with_bytes(write_control_head(5, bytes), bytes);
    for (const std::string& frame : {control, write_frame(Receipt{1'000})}) {
        for (std::size_t at = 0; at < frame.size(); ++at) {
            std::string changed = frame;
            changed[at] = static_cast<char>(changed[at] ^ 1);
            const Aligned arrived(changed);
            const auto size = frame_bytes(arrived.bytes(), kFrameBytesMax);
            if (!size || *size == 0 || *size > changed.size()) continue;
            const auto read = read_frame(arrived.bytes().first(*size));
            if (!read) continue;
            // Unused bytes may change; the content may not.
            if (const auto* const same = std::get_if<ControlFrame>(&*read)) {
                if (!check_checksum(*same) || same->records.empty()) continue;
                EXPECT_EQ(same->sequence, 5) << at;
                EXPECT_TRUE(std::ranges::equal(same->records, bytes)) << at;
            } else if (const auto* const receipt = std::get_if<Receipt>(&*read)) {
                EXPECT_EQ(receipt->sequence, 1'000) << at;
            }
        }
    }
}

RC_GTEST_PROP(Frame, ABatchBehindItsHeadIsReadInPlace, (std::vector<std::uint64_t> words)) {
    RC_PRE(!words.empty());
    const auto batch = std::as_bytes(std::span(words));
    const std::string batch_head = write_batch_head(batch.size());
    const std::size_t head = batch_head.size();
    const std::string bytes = testing::with_bytes(batch_head, batch);
    const Aligned arrived(bytes);

    const auto size = frame_bytes(arrived.bytes(), kFrameBytesMax);
    RC_ASSERT(size && *size == bytes.size());
    const auto read = read_frame(arrived.bytes());
    RC_ASSERT(read.has_value());
    const auto& got = std::get<BatchFrame>(*read).batch;
    RC_ASSERT(got.size() == batch.size());
    RC_ASSERT(got.empty() || got.data() == arrived.bytes().data() + head);
    RC_ASSERT(std::equal(got.begin(), got.end(), batch.begin()));
}

TEST(Frame, MoreMustArriveBeforeTheLengthIsKnown) {
    const Aligned arrived(write_frame(kHello));
    EXPECT_EQ(*frame_bytes(arrived.bytes().first(0), 100), 0);
    EXPECT_EQ(*frame_bytes(arrived.bytes().first(7), 100), 0);
}

TEST(Frame, LengthsAboveTheLimitAreRefusedAtOnce) {
    const Aligned arrived(write_frame(kHello));
    const auto size = frame_bytes(arrived.bytes().first(8), 64);
    ASSERT_FALSE(size);
    EXPECT_THAT(size.error().message, HasSubstr("the limit is 64"));
    const std::vector<std::uint32_t> many = {1'000'000, 0, 0, 0};
    const auto segments = frame_bytes(std::as_bytes(std::span(many)), kFrameBytesMax);
    ASSERT_FALSE(segments);
    EXPECT_THAT(segments.error().message, HasSubstr("segments"));
}

RC_GTEST_PROP(Frame, ChangedOrCutFramesAreReadOrRefusedButNeverCrash, ()) {
    std::string bytes = write_frame(Challenge{kHello, std::string(kMacBytes, 'm')});
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    bytes[at] = *rc::gen::arbitrary<char>();
    bytes.resize(*rc::gen::inRange<std::size_t>(1, bytes.size() / 8 + 1) * 8);
    const Aligned arrived(bytes);
    const auto size = frame_bytes(arrived.bytes(), kHandshakeBytesMax);
    if (size && *size > 0 && *size <= bytes.size())
        static_cast<void>(read_frame(arrived.bytes().first(*size)));
}

}  // namespace
}  // namespace storm::wire
