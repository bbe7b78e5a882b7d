// The mistakes that a topology can have, and their messages. docs/errors.md explains each code.
//
// Threads: one.
#pragma once

#include <string>
#include <vector>

namespace storm::detail {

/// The numbers are for users: they are never reused and never change their meaning.
enum class MistakeCode : int {
    kNoSpout = 101,
    kEmptyId = 102,
    kDuplicateId = 103,
    kMalformedId = 104,
    kParallelism = 105,
    kTasks = 106,
    kUnknownSource = 107,
    kUnknownStream = 108,
    kSilentSource = 109,
    kTick = 110,
    kNoGroupingField = 111,
    kUnknownGroupingField = 112,
    kDuplicateGroupingField = 113,
    kStreamIsNotDirect = 114,
    kStreamIsDirect = 115,
    kNoCustomGrouping = 116,
    kDuplicateSubscription = 117,
    kNoInput = 118,
    kUnreachable = 119,
    kDuplicateStream = 120,
    kDuplicateField = 121,
    kTooManyFields = 122,
    kTooManyStreams = 123,
    kMalformedStream = 124,
    kUnnamedField = 125,
    kSetting = 126,
    kFactoryThrew = 127,
    kDeclareOutputsThrew = 128,
    kTooManyTasks = 129,
    kNotUtf8 = 130,
    kSettingWithoutEffect = 131,
};
inline constexpr MistakeCode kFirstMistake = MistakeCode::kNoSpout;
inline constexpr MistakeCode kLastMistake = MistakeCode::kSettingWithoutEffect;

struct Mistake {
    MistakeCode code;
    std::string what;
    std::string hint;
};

/// `E0107`.
std::string to_string(MistakeCode code);

/// For each mistake `error[E0107]: what`, and below it `  hint: …`.
std::string to_text(const std::vector<Mistake>& mistakes);

}  // namespace storm::detail
