// The thread for what takes long with blobs: waiting for a disk, hashing, copying to and from other
// Nimbuses.
//
//     loop ──(job)──► queue of kBlobJobsMax ──► thread: runs it, then posts its answer to the loop
//
// Threads: methods from the loop's thread; answers come there. The destructor waits for the job
// that is under way and drops the rest.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread.h"
#include "cluster/event_loop.h"
#include "cluster/records.h"
#include "nimbus/blobs/blob_store.h"

namespace storm::nimbus {

class BlobThread {
public:
    using Answer = std::function<void(base::Result<base::Done>)>;

    /// `token`: what other Nimbuses want to see. Both others must outlive this.
    BlobThread(const BlobStore& store, cluster::EventLoop& loop, std::string token);
    ~BlobThread();
    BlobThread(const BlobThread&) = delete;
    BlobThread& operator=(const BlobThread&) = delete;

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
    using Job = std::function<void()>;

    bool enqueue_(Job job);
    void run_();
    void post_(std::function<void()> answer);
    base::Result<base::Done> copy_to_(const cluster::NimbusRecord& peer,
                                      const std::string& blob) const;
    bool copy_from_(const cluster::NimbusRecord& peer, const std::string& blob) const;

    const BlobStore& store_;
    cluster::EventLoop& loop_;
    const std::string token_;
    // The loop may outlive this.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> jobs_;  // Guarded by mutex_.
    bool ending_ = false;   // Guarded by mutex_.
    base::Thread thread_;
};

}  // namespace storm::nimbus
