// The threads for what takes long with blobs: one waits for the disk and hashes, the other one
// copies to and from other Nimbuses, which may hang.
//
//     loop ──(job)──► queue of kBlobJobsMax ──► thread: runs it, then posts its answer to the loop
//
// Nobody who only reads makes a job.
//
// Order:   the destructor waits for the jobs that are under way, and drops the rest.
// Threads: methods from the loop's thread; answers come there.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/result.h"
#include "cluster/records.h"
#include "daemon/errands.h"
#include "net/token_client.h"
#include "nimbus/blobs/blob_store.h"

namespace storm::nimbus {

class BlobThread {
public:
    using Answer = std::function<void(base::Result<base::Done>)>;

    /// `token`: what other Nimbuses want to see. Both others must outlive this.
    BlobThread(const BlobStore& store, cluster::EventLoop& loop, std::string token);

    // The error of a full queue comes at once, from inside the call.
    void publish(std::unique_ptr<NewBlob> blob, const Answer& answer);
    /// Removes what the disk has spoilt; one blob at a time, so that others are not kept.
    void verify_all();
    /// `lacking`: which peers do not have it, and why; empty: all have it.
    using Copied = std::function<void(const std::string& lacking)>;
    /// Gives the peers what they lack. Answers after kCopyPatience, however far it is by then.
    void replicate(std::vector<std::string> blobs, std::vector<cluster::NimbusRecord> peers,
                   Copied copied);
    /// Takes what is missing here from the peers, as far as they have it. Not while it does so.
    void fetch(std::vector<std::string> blobs, std::vector<cluster::NimbusRecord> peers);
    void sweep(std::set<std::string> in_use, std::function<void(BlobStore::Stock)> answer);

private:
    base::Result<base::Done> copy_to_(const cluster::NimbusRecord& peer, const std::string& blob);
    base::Result<base::Done> copy_from_(const cluster::NimbusRecord& peer,
                                        const std::string& blob) const;
    void verify_next_(std::vector<std::string> left);

    const BlobStore& store_;
    cluster::EventLoop& loop_;
    const std::string token_;
    net::TokenClient peers_;  // Of the thread that copies.
    bool fetching_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    cluster::Errands errands_;
    cluster::Errands copies_;
};

}  // namespace storm::nimbus
