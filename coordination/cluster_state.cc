#include "coordination/cluster_state.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/lifetime.h"
#include "base/log.h"
#include "cluster/record_check.h"
#include "cluster/record_codec.h"
#include "coordination/node_set.h"
#include "coordination/operation_queue.h"
#include "coordination/own_node.h"
#include "coordination/read_all.h"

namespace storm::coordination {
namespace {

using cluster::Assignment;
using cluster::kErrorBytesMax;
using cluster::Leadership;
using cluster::NimbusRecord;
using cluster::Removal;
using cluster::SupervisorRecord;
using cluster::TopologyError;
using cluster::TopologyErrors;
using cluster::TopologyRecord;

namespace log = base::log;

/// Nothing, with a warning, if the record cannot be read.
template <typename Record>
std::optional<Record> readable(const std::string& path, const std::string& data) {
    base::Result<Record> record = cluster::decode<Record>(data);
    if (record) return std::move(record).value();
    log::warn("cannot read a record", {{"path", path}, {"error", record.error().message}});
    return std::nullopt;
}

/// The name of the node that a record belongs into.
const std::string& node_of(const TopologyRecord& record) {
    return record.id;
}
const std::string& node_of(const Assignment& assignment) {
    return assignment.topology;
}
const std::string& node_of(const SupervisorRecord& record) {
    return record.id;
}
const std::string& node_of(const NimbusRecord& record) {
    return record.id;
}

/// An error also if it is the record of another node: all look records up by the name that they
/// say, so one that was copied by hand would be taken for a topology that is not there.
template <typename Record>
base::Result<Record> decode_as(const std::string& node, const std::string& data) {
    base::Result<Record> record = cluster::decode<Record>(data);
    if constexpr (requires { node_of(*record); }) {
        if (record && node_of(*record) != node)
            return base::Error{"it is the record of \"" + node_of(*record) + '"'};
    }
    return record;
}

/// The records of one folder; a part of ClusterState.
template <typename Record>
class RecordSet {
public:
    RecordSet(Session& session, const std::string& folder, ClusterState::OnChange<Record> changed)
        : folder_(folder),
          changed_(std::move(changed)),
          nodes_(
              session, folder,
              [this](const std::string& name, const std::string* data) { take_(name, data); },
              [this] { tell_(); }) {}

    const Unreadable& unreadable() const { return unreadable_; }
    bool is_of_this_session() const { return session_ == nodes_.session(); }

private:
    void take_(const std::string& name, const std::string* data) {
        if (data == nullptr) {
            // Only this takes a record out of the set: an unreadable one stays as it was last read.
            is_new_ |= records_.erase(name) + unreadable_.erase(name) > 0;
            return;
        }
        base::Result<Record> record = decode_as<Record>(name, *data);
        if (!record) return keep_unreadable_(name, record.error().message);
        is_new_ |= unreadable_.erase(name) > 0;
        const auto [at, added] = records_.try_emplace(name);
        if (!added && at->second == *record) return;
        at->second = std::move(record).value();
        is_new_ = true;
    }
    void keep_unreadable_(const std::string& name, const std::string& why) {
        std::string& known = unreadable_[name];
        if (known == why) return;
        known = why;
        is_new_ = true;
        log::warn("cannot read a record; what was known of it stands",
                  {{"path", folder_ + "/" + name}, {"error", why}});
    }
    void tell_() {
        // Tells once per session even if nothing is new: the set was compared with ZooKeeper again.
        // Before the call, because whoever is told may ask of which session the set is.
        const bool is_first = std::exchange(session_, nodes_.session()) != nodes_.session();
        if (std::exchange(is_new_, false) || is_first) changed_(records_);
    }

    const std::string folder_;
    const ClusterState::OnChange<Record> changed_;
    std::map<std::string, Record> records_;  // The last readable version of each.
    Unreadable unreadable_;
    bool is_new_ = true;
    std::uint64_t session_ = 0;  // Session in which the set was last told.
    NodeSet nodes_;
};

OwnNode::Owner owner(const SupervisorRecord& record) {
    return {"process " + std::to_string(record.pid) + " on " + record.host, record.home,
            record.started_ms};
}

/// Host and port make a Nimbus unique: they are its id.
OwnNode::Owner owner(const NimbusRecord& record) {
    return {record.host, {}, record.started_ms};
}

template <typename Record>
std::optional<OwnNode::Owner> owner_of(const std::string& data) {
    const base::Result<Record> record = cluster::decode<Record>(data);
    if (!record) return std::nullopt;
    return owner(*record);
}

std::string cut(std::string text) {
    if (text.size() > kErrorBytesMax) text.erase(kErrorBytesMax);
    return text;
}

Write outcome_of(CoordinationError error) {
    switch (error) {
        case CoordinationError::kNone:
            return Write::kDone;
        case CoordinationError::kNodeExists:
            return Write::kNameTaken;
        case CoordinationError::kNoNode:
            return Write::kNotFound;
        case CoordinationError::kBadVersion:  // Only the version of the leadership is ever checked.
            return Write::kDeposed;
        case CoordinationError::kTooLarge:
            return Write::kTooLarge;
        case CoordinationError::kConnectionLoss:
        case CoordinationError::kSessionExpired:
            return Write::kUnknown;
        default:
            return Write::kFailed;
    }
}

}  // namespace

struct ClusterState::Impl {
    explicit Impl(Session& of)
        : session(of), operations(session, kWritesWaitingMax, kWriteTriesMax) {}

    std::string path(std::string_view folder, std::string_view name) const {
        return session.path(folder) + "/" + std::string(name);
    }
    Check is_of(const Term& term) const { return {session.path("leader"), term.version}; }

    /// All writes of a leader go through here.
    void write(const char* what, const std::string& id, OperationQueue::Try operation, Wrote done);
    void write(const char* what, const std::string& id, std::vector<Step> steps, Wrote done) {
        write(
            what, id,
            [steps = std::move(steps)](Coordination& client,
                                       const OperationQueue::Settled& settled) {
                client.multi(steps, settled);
            },
            std::move(done));
    }
    /// Whether a record may be written; if not, calls `done`.
    template <typename Record>
    bool may_write(const Record& record, const std::string& id, const Wrote& done);

    template <typename Record>
    void publish(const char* folder, const Record& record, Replaced replaced);

    Session& session;
    OperationQueue operations;
    std::unique_ptr<OwnNode> own;
    std::unique_ptr<RecordSet<SupervisorRecord>> supervisors;
    std::unique_ptr<RecordSet<NimbusRecord>> nimbuses;
    std::unique_ptr<RecordSet<TopologyRecord>> topologies;
    std::unique_ptr<RecordSet<Assignment>> assignments;
    std::unique_ptr<RecordSet<TopologyErrors>> errors;
    std::unique_ptr<WatchedNode> leader;
    std::map<std::string, std::unique_ptr<WatchedNode>> removals;  // Indexed by topology.
    base::Lifetime lifetime;

    template <typename Record>
    void follow(std::unique_ptr<RecordSet<Record>>& set, const char* folder,
                OnChange<Record> changed) {
        // Another call would destroy the first set, perhaps while it tells of a change.
        STORM_CHECK(set == nullptr, "each set of records is followed once");
        set =
            std::make_unique<RecordSet<Record>>(session, session.path(folder), std::move(changed));
    }
};

std::string_view to_string(Write outcome) {
    switch (outcome) {
        case Write::kDone:
            return "done";
        case Write::kNameTaken:
            return "the name is taken";
        case Write::kNotFound:
            return "no such topology";
        case Write::kDeposed:
            return "another nimbus leads";
        case Write::kTooLarge:
            return "too large for zookeeper";
        case Write::kUnknown:
            return "connection lost; it may have happened";
        case Write::kFailed:
            return "refused by zookeeper";
    }
    return "unknown";
}

ClusterState::ClusterState(Session& session) : impl_(std::make_unique<Impl>(session)) {}
ClusterState::~ClusterState() = default;

template <typename Record>
void ClusterState::Impl::publish(const char* folder, const Record& record, Replaced replaced) {
    if (const std::string found = cluster::fault(record); !found.empty()) {
        log::error("cannot publish this daemon", {{"id", record.id}, {"error", found}});
        return;
    }
    if (own) return own->update(encode(record));
    own = std::make_unique<OwnNode>(session, path(folder, record.id), encode(record),
                                    owner_of<Record>, std::move(replaced));
}

void ClusterState::publish(const SupervisorRecord& record, Replaced replaced) {
    impl_->publish("supervisors", record, std::move(replaced));
}
void ClusterState::publish(const NimbusRecord& record, Replaced replaced) {
    impl_->publish("nimbuses", record, std::move(replaced));
}

void ClusterState::follow_supervisors(OnChange<SupervisorRecord> changed) {
    impl_->follow(impl_->supervisors, "supervisors", std::move(changed));
}
void ClusterState::follow_nimbuses(OnChange<NimbusRecord> changed) {
    impl_->follow(impl_->nimbuses, "nimbuses", std::move(changed));
}
void ClusterState::follow_topologies(OnChange<TopologyRecord> changed) {
    impl_->follow(impl_->topologies, "topologies", std::move(changed));
}
void ClusterState::follow_assignments(OnChange<Assignment> changed) {
    impl_->follow(impl_->assignments, "assignments", std::move(changed));
}
void ClusterState::follow_errors(OnChange<TopologyErrors> changed) {
    impl_->follow(impl_->errors, "errors", std::move(changed));
}

namespace {

template <typename Record>
const Unreadable& unreadable_of(const std::unique_ptr<RecordSet<Record>>& set) {
    static const Unreadable kNone;
    return set ? set->unreadable() : kNone;
}

}  // namespace

const Unreadable& ClusterState::unreadable_supervisors() const {
    return unreadable_of(impl_->supervisors);
}
const Unreadable& ClusterState::unreadable_topologies() const {
    return unreadable_of(impl_->topologies);
}
const Unreadable& ClusterState::unreadable_assignments() const {
    return unreadable_of(impl_->assignments);
}

bool ClusterState::assignments_are_of_this_session() const {
    return impl_->assignments && impl_->assignments->is_of_this_session();
}

void ClusterState::follow_removal(const std::string& id,
                                  std::function<void(bool removed)> changed) {
    auto& removal = impl_->removals[id];
    STORM_CHECK(removal == nullptr, "one call per id at a time");
    removal = std::make_unique<WatchedNode>(
        impl_->session, impl_->path("removed", id),
        [changed = std::move(changed)](const std::optional<Node>& node) {
            changed(node.has_value());
        });
}

void ClusterState::unfollow_removal(const std::string& id) {
    impl_->removals.erase(id);
}

void ClusterState::follow_leader(std::function<void(const std::optional<Leadership>&)> changed) {
    STORM_CHECK(impl_->leader == nullptr, "the leader is followed once");
    // The lock, not the last leadership: it says who leads now, and goes with that one's session.
    const std::string path = impl_->session.path("leader-lock");
    impl_->leader = std::make_unique<WatchedNode>(
        impl_->session, path,
        [path, changed = std::move(changed)](const std::optional<Node>& node) {
            changed(node ? readable<Leadership>(path, node->data) : std::nullopt);
        });
}

/// An unreadable record is an error, not an absence: it may be readable to whoever asks again.
void ClusterState::read_topology(
    const std::string& id, std::function<void(base::Result<std::optional<TopologyRecord>>)> done) {
    const std::string path = impl_->path("topologies", id);
    const auto read = std::make_shared<Node>();
    impl_->operations.add(
        [path, read](Coordination& client, const OperationQueue::Settled& settled) {
            client.get(path, {}, [read, settled](CoordinationError error, Node node) {
                *read = std::move(node);
                settled(error);
            });
        },
        [id, read, done = std::move(done)](CoordinationError error) {
            if (error == CoordinationError::kNoNode) return done(std::optional<TopologyRecord>());
            if (error != CoordinationError::kNone) {
                return done(base::Error{"cannot read topology \"" + id +
                                        "\" from zookeeper: " + std::string(to_string(error))});
            }
            base::Result<TopologyRecord> record = decode_as<TopologyRecord>(id, read->data);
            if (!record) return done(record.error());
            done(std::optional(std::move(record).value()));
        });
}

namespace {

template <typename Record>
void sort(const ReadAll::Nodes& nodes, const std::string& folder,
          std::map<std::string, Record>& records, Unreadable& unreadable) {
    for (const auto& [path, data] : nodes) {
        if (!path.starts_with(folder + "/")) continue;
        const std::string id = path.substr(folder.size() + 1);
        base::Result<Record> record = decode_as<Record>(id, data);
        if (record) {
            records.emplace(id, std::move(record).value());
        } else {
            unreadable.emplace(id, record.error().message);
        }
    }
}

}  // namespace

void ClusterState::read_all(const Term& term,
                            std::function<void(base::Result<ClusterSnapshot>)> done) {
    const std::string topologies = impl_->session.path("topologies");
    const std::string assignments = impl_->session.path("assignments");
    const std::string removed = impl_->session.path("removed");
    const auto nodes = std::make_shared<ReadAll::Nodes>();
    const auto marks = std::make_shared<ReadAll::Nodes>();
    impl_->operations.add(
        // Any server of ZooKeeper may answer a read, even one that lags behind. A read that follows
        // a multi() does not lag.
        [=, is_of_term = impl_->is_of(term)](Coordination& client,
                                             const OperationQueue::Settled& settled) {
            client.multi({is_of_term}, [=, &client](CoordinationError error) {
                if (error != CoordinationError::kNone) return settled(error);
                // The marks come last: what is missing in the folders may have been removed
                // meanwhile.
                const auto read_marks = [=, &client](CoordinationError failed) {
                    if (failed != CoordinationError::kNone) return settled(failed);
                    std::make_shared<ReadAll>(client, marks, settled)->folders({removed});
                };
                std::make_shared<ReadAll>(client, nodes, read_marks)
                    ->folders({topologies, assignments});
            });
        },
        [=, done = std::move(done)](CoordinationError error) {
            if (error != CoordinationError::kNone) {
                return done(base::Error{"cannot read the cluster's topologies from zookeeper: " +
                                        std::string(to_string(error))});
            }
            ClusterSnapshot all;
            sort(*nodes, topologies, all.topologies, all.unreadable_topologies);
            sort(*nodes, assignments, all.assignments, all.unreadable_assignments);
            Unreadable unreadable_marks;
            sort(*marks, removed, all.removed, unreadable_marks);
            for (const auto& [id, why] : unreadable_marks) {
                log::warn("cannot read the mark of a removal, which counts all the same",
                          {{"topology", id}, {"error", why}});
                all.removed.emplace(id, Removal{});
            }
            done(std::move(all));
        });
}

void ClusterState::Impl::write(const char* what, const std::string& id,
                               OperationQueue::Try operation, Wrote done) {
    operations.add(std::move(operation),
                   [what, id, done = std::move(done)](CoordinationError error) {
                       const Write outcome = outcome_of(error);
                       if (outcome == Write::kUnknown || outcome == Write::kFailed) {
                           log::error(what, {{"topology", id}, {"error", to_string(error)}});
                       }
                       done(outcome);
                   });
}

template <typename Record>
bool ClusterState::Impl::may_write(const Record& record, const std::string& id, const Wrote& done) {
    const std::string found = cluster::fault(record);
    if (found.empty()) return true;
    log::error("cannot write a record that nobody could read",
               {{"topology", id}, {"error", found}});
    // Later, because callbacks never come from inside a call.
    session.loop().post(lifetime.guard([done] { done(Write::kFailed); }));
    return false;
}

void ClusterState::create_topology(const Term& term, const TopologyRecord& record,
                                   const Assignment& first, Wrote done) {
    if (!impl_->may_write(record, record.id, done)) return;
    if (!impl_->may_write(first, record.id, done)) return;
    const std::string name = impl_->path("names", record.name);
    // The name decides: of two submissions of one name the second fails as a whole. All comes in
    // one step, so that no record is ever without its assignment, or the other way round.
    const std::vector<Step> steps = {
        impl_->is_of(term), Create{name, record.id},
        Create{impl_->path("topologies", record.id), encode(record)},
        Create{impl_->path("assignments", record.id), encode(first)},
        Create{impl_->path("errors", record.id), encode(TopologyErrors{})}};
    impl_->write(
        "cannot create a topology", record.id,
        [steps, name, id = record.id](Coordination& client,
                                      const OperationQueue::Settled& settled) {
            client.multi(steps, [&client, name, id, settled](CoordinationError error) {
                if (error != CoordinationError::kNodeExists) return settled(error);
                // We may have created it ourselves, and lost only the confirmation.
                client.get(name, {}, [id, settled](CoordinationError found, const Node& node) {
                    if (found == CoordinationError::kNone && node.data != id) {
                        found = CoordinationError::kNodeExists;
                    } else if (found == CoordinationError::kNoNode) {
                        found = CoordinationError::kOther;  // The id is there under another name.
                    }
                    settled(found);
                });
            });
        },
        std::move(done));
}

void ClusterState::set_assignment(const Term& term, const Assignment& assignment, Wrote done) {
    const std::string& id = assignment.topology;
    if (!impl_->may_write(assignment, id, done)) return;
    impl_->write("cannot write an assignment", id,
                 {impl_->is_of(term), SetData{impl_->path("assignments", id), encode(assignment)}},
                 std::move(done));
}

void ClusterState::update(const Term& term, const TopologyRecord& record,
                          const Assignment& assignment, Wrote done) {
    if (!impl_->may_write(record, record.id, done)) return;
    if (!impl_->may_write(assignment, record.id, done)) return;
    const std::string path = impl_->path("assignments", record.id);
    const std::vector<Step> both = {impl_->is_of(term),
                                    SetData{impl_->path("topologies", record.id), encode(record)}};
    impl_->write(
        "cannot update a topology", record.id,
        [both, path, bytes = encode(assignment)](Coordination& client,
                                                 const OperationQueue::Settled& settled) {
            std::vector<Step> steps = both;
            // ZooKeeper has no step that sets or creates, and the assignment nearly always exists.
            steps.emplace_back(SetData{path, bytes});
            client.multi(steps, [&client, both, path, bytes, settled](CoordinationError error) {
                if (error != CoordinationError::kNoNode) return settled(error);
                // The assignment was removed by hand, or there is no such topology.
                std::vector<Step> again = both;
                again.emplace_back(Create{path, bytes});
                client.multi(again, settled);
            });
        },
        std::move(done));
}

namespace {

/// Nodes that a topology may have.
struct NodesOf {
    std::vector<std::string> records;
    std::string name;       ///< May belong to another topology by now.
    std::string mark;       ///< Mark of its removal.
    std::string mark_data;  ///< Content of a new mark.
};

/// Removes the nodes that exist, if some were removed by hand or lost.
void remove_the_rest(Coordination& client, const Check& is_of_term, const std::string& id,
                     const NodesOf& nodes, const OperationQueue::Settled& settled) {
    struct Found {
        std::vector<Step> steps;
        std::size_t under_way = 0;
        CoordinationError error = CoordinationError::kNone;
    };
    const auto found = std::make_shared<Found>();
    // A node may change after it was found; then the multi() fails as a whole, and the topology is
    // neither half removed nor left without its mark.
    found->steps = {is_of_term};
    found->under_way = nodes.records.size() + 2;
    const auto look = [&client, found, settled](const std::string& path, const auto& step_for) {
        client.get(path, {},
                   [&client, found, settled, step_for](CoordinationError error, const Node& node) {
                       const bool there = error == CoordinationError::kNone;
                       if (there || error == CoordinationError::kNoNode) {
                           const std::optional<Step> step = step_for(there ? &node.data : nullptr);
                           if (step) found->steps.push_back(*step);
                       } else {
                           found->error = error;
                       }
                       STORM_CHECK(found->under_way > 0, "each node is looked at once");
                       if (--found->under_way > 0) return;
                       if (found->error != CoordinationError::kNone) return settled(found->error);
                       client.multi(found->steps, settled);
                   });
    };
    for (const std::string& path : nodes.records) {
        look(path, [path](const std::string* data) {
            return data != nullptr ? std::optional<Step>(Remove{path}) : std::nullopt;
        });
    }
    look(nodes.name, [path = nodes.name, id](const std::string* data) {
        const bool is_its_own = data != nullptr && *data == id;
        return is_its_own ? std::optional<Step>(Remove{path}) : std::nullopt;
    });
    look(nodes.mark, [mark = Create{nodes.mark, nodes.mark_data}](const std::string* data) {
        return data == nullptr ? std::optional<Step>(mark) : std::nullopt;
    });
}

}  // namespace

void ClusterState::remove_topology(const Term& term, const std::string& id, const std::string& name,
                                   const Removal& mark, Wrote done) {
    if (!impl_->may_write(mark, id, done)) return;
    const NodesOf nodes = {
        {impl_->path("errors", id), impl_->path("assignments", id), impl_->path("topologies", id)},
        impl_->path("names", name),
        impl_->path("removed", id),
        encode(mark)};
    // The mark comes in the same step: in between the topology would look lost, and its workers
    // would run on.
    std::vector<Step> steps = {impl_->is_of(term)};
    for (const std::string& path : nodes.records) steps.emplace_back(Remove{path});
    steps.emplace_back(Remove{nodes.name});
    steps.emplace_back(Create{nodes.mark, nodes.mark_data});
    impl_->write(
        "cannot remove a topology", id,
        [steps, nodes, id, is_of_term = impl_->is_of(term)](
            Coordination& client, const OperationQueue::Settled& settled) {
            client.multi(steps, [&client, nodes, id, is_of_term, settled](CoordinationError error) {
                if (error != CoordinationError::kNoNode &&
                    error != CoordinationError::kNodeExists) {
                    return settled(error);
                }
                remove_the_rest(client, is_of_term, id, nodes, settled);
            });
        },
        std::move(done));
}

void ClusterState::read_removals(std::function<void(base::Result<std::set<std::string>>)> done) {
    const auto marks = std::make_shared<std::set<std::string>>();
    impl_->operations.add(
        [folder = impl_->session.path("removed"), marks](Coordination& client,
                                                         const OperationQueue::Settled& settled) {
            client.children(folder, {}, [=](CoordinationError error, const auto& names) {
                *marks = {names.begin(), names.end()};
                settled(error);
            });
        },
        [marks, done = std::move(done)](CoordinationError error) {
            if (error == CoordinationError::kNone) return done(std::move(*marks));
            done(base::Error{"cannot list what was removed: " + std::string(to_string(error))});
        });
}

void ClusterState::forget_removal(const Term& term, const std::string& id, Wrote done) {
    impl_->write("cannot sweep the mark of a removal", id,
                 {impl_->is_of(term), Remove{impl_->path("removed", id)}}, std::move(done));
}

/// Reads and writes in two steps. Nobody else can write in between: this leader's writes go one by
/// one, and the check of the term refuses another's.
void ClusterState::add_errors(const Term& term, const std::string& topology,
                              std::vector<TopologyError> errors, Wrote done) {
    for (TopologyError& error : errors) error.error = cut(std::move(error.error));
    TopologyErrors fresh;
    merge_errors(fresh.errors, errors);
    if (!impl_->may_write(fresh, topology, done)) return;
    const std::string path = impl_->path("errors", topology);
    impl_->write(
        "cannot write errors of a topology", topology,
        [path, fresh = std::move(fresh.errors), is_of_term = impl_->is_of(term)](
            Coordination& client, const OperationQueue::Settled& settled) {
            client.get(path, {},
                       [&client, path, fresh, is_of_term, settled](CoordinationError error,
                                                                   const Node& node) {
                           if (error != CoordinationError::kNone) return settled(error);
                           TopologyErrors all =
                               readable<TopologyErrors>(path, node.data).value_or(TopologyErrors());
                           // A repetition counts the errors twice, which does no harm.
                           merge_errors(all.errors, fresh);
                           client.multi({is_of_term, SetData{path, encode(all)}}, settled);
                       });
        },
        std::move(done));
}

}  // namespace storm::coordination
