#include "cluster/record_codec.h"

#include <utility>

#include "cluster/flat_message.h"
#include "cluster/record_check.h"
#include "cluster/record_schema.h"

namespace storm::cluster {
namespace {

template <typename Struct, typename Record>
std::string encoded(const Record& record) {
    return message<Struct>([&](typename Struct::Builder to) { write(record, to); });
}

template <typename Struct, typename Record>
base::Result<Record> decoded(std::string_view bytes, const char* what) {
    return checked_value_of<Record, Struct>(
        bytes, what, [](typename Struct::Reader from) { return read(from); },
        [](const Record& record) { return fault(record); });
}

/// Keeps the bytes if a newer version wrote them.
template <typename Record>
base::Result<Record> with_newer(base::Result<Record> record, std::string_view bytes) {
    // The bytes that this version would write itself hold nothing that it does not know.
    if (!record || encode(*record) == bytes) return record;
    // Tried here, where the record can still be refused: a leader that cannot write again what it
    // has read would find out in the middle of a decision.
    Record made = std::move(record).value();
    made.newer = bytes;
    try {
        static_cast<void>(encode(made));
    } catch (const kj::Exception& exception) {
        return base::Error{std::string("cannot read what a newer version wrote: ") +
                           exception.getDescription().cStr()};
    }
    return made;
}

}  // namespace

/// On top of what a newer version wrote, if it did: only what this version decides is changed in
/// it, so a leader that is older for a while loses nothing.
std::string encode(const TopologyRecord& record) {
    if (record.newer.empty()) return encoded<schema::TopologyRecord>(record);
    return changed<schema::TopologyRecord>(
        record.newer,
        [&](const auto&, schema::TopologyRecord::Builder to, const auto&) { change(record, to); });
}
std::string encode(const Assignment& record) {
    if (record.newer.empty()) return encoded<schema::Assignment>(record);
    return changed<schema::Assignment>(
        record.newer,
        [&](schema::Assignment::Reader before, schema::Assignment::Builder to,
            const capnp::Orphanage& orphanage) { change(record, before, to, orphanage); });
}
std::string encode(const SupervisorRecord& record) {
    return encoded<schema::SupervisorRecord>(record);
}
std::string encode(const NimbusRecord& record) {
    return encoded<schema::NimbusRecord>(record);
}
std::string encode(const Leadership& record) {
    return encoded<schema::Leadership>(record);
}
std::string encode(const TopologyErrors& record) {
    return encoded<schema::TopologyErrors>(record);
}
std::string encode(const Removal& record) {
    return encoded<schema::Removal>(record);
}

template <>
base::Result<TopologyRecord> decode(std::string_view bytes) {
    return with_newer(decoded<schema::TopologyRecord, TopologyRecord>(bytes, "topology record"),
                      bytes);
}
template <>
base::Result<Assignment> decode(std::string_view bytes) {
    return with_newer(decoded<schema::Assignment, Assignment>(bytes, "assignment"), bytes);
}
template <>
base::Result<SupervisorRecord> decode(std::string_view bytes) {
    return decoded<schema::SupervisorRecord, SupervisorRecord>(bytes, "supervisor's record");
}
template <>
base::Result<NimbusRecord> decode(std::string_view bytes) {
    return decoded<schema::NimbusRecord, NimbusRecord>(bytes, "nimbus' record");
}
template <>
base::Result<Leadership> decode(std::string_view bytes) {
    return decoded<schema::Leadership, Leadership>(bytes, "leadership");
}
template <>
base::Result<TopologyErrors> decode(std::string_view bytes) {
    return decoded<schema::TopologyErrors, TopologyErrors>(bytes, "errors of a topology");
}
template <>
base::Result<Removal> decode(std::string_view bytes) {
    if (bytes.empty()) return Removal{};  // Made by a version that knew of no key.
    return decoded<schema::Removal, Removal>(bytes, "mark of a removal");
}

}  // namespace storm::cluster
