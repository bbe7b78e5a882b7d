// Two threads for slow work on blobs: one writes and hashes, the other one copies to and from other
// Nimbuses, which may hang.
//
//     loop ──(job)──► queue of kBlobJobsMax ──► thread: runs it, then posts its answer to the loop
//
// Reading needs no job.
//
// Order:   the destructor waits for running jobs, and drops the rest.
// Threads: methods are called on the loop's thread; answers come there.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/lifetime.h"
#include "base/result.h"
#include "cluster/records.h"
#include "daemon/errands.h"
#include "net/token_client.h"
#include "nimbus/blobs/blob_store.h"

namespace storm::nimbus {

class BlobThread {
public:
    using Answer = std::function<void(base::Result<base::Done>)>;

    /// `token` is the one that other Nimbuses expect. The other two must outlive this.
    BlobThread(const BlobStore& store, base::EventLoop& loop, const base::WallClock& wall,
               std::string token);

    // If the queue is full, the error comes at once, from inside the call.
    void publish(std::unique_ptr<NewBlob> blob, const Answer& answer);
    /// Removes corrupt blobs; one blob per job, so that others need not wait.
    void verify_all();
    /// `lacking` says which peers do not have all blobs, and why; empty: all have them.
    using Copied = std::function<void(const std::string& lacking)>;
    /// Copies missing blobs to the peers. Answers after at most kCopyPatience, even if it is not
    /// done.
    void replicate(std::vector<std::string> blobs, std::vector<cluster::NimbusRecord> peers,
                   Copied copied);
    /// Copies missing blobs from peers that have them. Ignored while it is still doing so.
    void fetch(std::vector<std::string> blobs, std::vector<cluster::NimbusRecord> peers);
    void note_users(BlobUsers users);
    /// Why blobs cannot be worked on; empty: they can.
    std::string problem() const;
    void sweep(BlobUsers users, std::set<std::string> removed,
               std::function<void(BlobStore::Stock)> answer);

private:
    base::Result<base::Done> copy_to_(const cluster::NimbusRecord& peer, const std::string& blob);
    base::Result<base::Done> copy_from_(const cluster::NimbusRecord& peer, const std::string& blob);
    base::Result<net::HttpResponse> ask_(const cluster::NimbusRecord& peer,
                                         const std::string& blob);
    void verify_next_(std::vector<std::string> left);

    const BlobStore& store_;
    base::EventLoop& loop_;
    const base::WallClock& wall_;
    const std::string token_;
    net::TokenClient peers_;  // Used by the copying thread.
    bool fetching_ = false;
    base::Lifetime lifetime_;
    daemon::Errands errands_;
    daemon::Errands copies_;
};

}  // namespace storm::nimbus
