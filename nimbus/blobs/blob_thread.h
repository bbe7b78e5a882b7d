// The thread for what takes long with blobs: waiting for a disk, hashing, copying to and from other
// Nimbuses.
//
//     loop ──(job)──► queue of kBlobJobsMax ──► thread: runs it, then posts its answer to the loop
//
// Threads: methods from the loop's thread; answers come there. The destructor waits for the job
// that is under way and drops the rest.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/errands.h"
#include "cluster/event_loop.h"
#include "cluster/records.h"
#include "nimbus/blobs/blob_store.h"

namespace storm::nimbus {

class BlobThread {
public:
    using Answer = std::function<void(base::Result<base::Done>)>;

    /// `token`: what other Nimbuses want to see. Both others must outlive this.
    BlobThread(const BlobStore& store, cluster::EventLoop& loop, std::string token);

    // The error of a full queue comes at once, from inside the call.
    void publish(std::unique_ptr<NewBlob> blob, const Answer& answer);
    void verify(std::string sha256, const Answer& answer);
    /// Gives the peers what they lack. An error names the peers that did not take it.
    void replicate(std::vector<std::string> blobs, std::vector<cluster::NimbusRecord> peers,
                   const Answer& answer);
    /// Takes what is missing here from the peers, as far as they have it.
    void fetch(std::vector<std::string> blobs, std::vector<cluster::NimbusRecord> peers);
    void sweep(std::set<std::string> in_use, std::function<void(BlobStore::Stock)> answer);

private:
    base::Result<base::Done> copy_to_(const cluster::NimbusRecord& peer,
                                      const std::string& blob) const;
    bool copy_from_(const cluster::NimbusRecord& peer, const std::string& blob) const;

    const BlobStore& store_;
    const std::string token_;
    cluster::Errands errands_;
};

}  // namespace storm::nimbus
