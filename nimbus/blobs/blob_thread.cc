#include "nimbus/blobs/blob_thread.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include <unistd.h>

#include "base/log.h"
#include "net/http_client.h"
#include "nimbus/limits.h"

namespace storm::nimbus {
namespace {

net::HttpCall call_to(const cluster::NimbusRecord& peer, const char* method,
                      const std::string& blob) {
    net::HttpCall wanted;
    wanted.host = peer.host;
    wanted.port = peer.port;
    wanted.method = method;
    wanted.target = "/api/v1/blobs/" + blob;
    wanted.timeout = kReplicateTimeout;
    return wanted;
}

}  // namespace

BlobThread::BlobThread(const BlobStore& store, cluster::EventLoop& loop, std::string token)
    : store_(store), token_(std::move(token)), errands_(loop, "blobs", kBlobJobsMax) {}

void BlobThread::publish(std::unique_ptr<NewBlob> blob, const Answer& answer) {
    const bool taken = errands_.run(
        [blob = std::shared_ptr<NewBlob>(std::move(blob))] { return blob->publish(); }, answer);
    if (!taken) answer(base::Error{"too many blobs are being written"});
}

void BlobThread::verify(std::string sha256, const Answer& answer) {
    const bool taken = errands_.run(
        [this, sha256 = std::move(sha256)] {
            return store_.verify(sha256) ? base::Result<base::Done>(base::Done{})
                                         : base::Error{"there is no blob " + sha256};
        },
        answer);
    if (!taken) answer(base::Error{"too many blobs are being read"});
}

void BlobThread::replicate(std::vector<std::string> blobs, std::vector<cluster::NimbusRecord> peers,
                           const Answer& answer) {
    const bool taken = errands_.run(
        [this, blobs = std::move(blobs), peers = std::move(peers)] {
            std::string failed;
            for (const cluster::NimbusRecord& peer : peers) {
                for (const std::string& blob : blobs) {
                    const auto copied = copy_to_(peer, blob);
                    if (copied) continue;
                    failed += (failed.empty() ? "" : "; ") + copied.error().message;
                    break;
                }
            }
            return failed.empty() ? base::Result<base::Done>(base::Done{}) : base::Error{failed};
        },
        answer);
    if (!taken) answer(base::Error{"too many blobs are being copied"});
}

base::Result<base::Done> BlobThread::copy_to_(const cluster::NimbusRecord& peer,
                                              const std::string& blob) const {
    const auto asked = net::call(call_to(peer, "HEAD", blob));
    if (!asked) return asked.error();
    if (asked->status == 200) return base::Done{};
    net::HttpCall wanted = call_to(peer, "PUT", blob);
    wanted.headers["Authorization"] = "Bearer " + token_;
    wanted.body_file = store_.path(blob);
    const auto put = net::call(wanted);
    if (!put) return put.error();
    if (put->status == 200 || put->status == 201) return base::Done{};
    return base::Error{"Nimbus " + peer.id + " does not take blob " + blob + ": " +
                       std::to_string(put->status) + ' ' + put->body};
}

void BlobThread::fetch(std::vector<std::string> blobs, std::vector<cluster::NimbusRecord> peers) {
    const bool taken = errands_.run(
        [this, blobs = std::move(blobs), peers = std::move(peers)] {
            for (const std::string& blob : blobs) {
                if (store_.size(blob)) continue;
                const bool found = std::any_of(peers.begin(), peers.end(), [&](const auto& peer) {
                    return copy_from_(peer, blob);
                });
                if (!found) base::log::warn("no Nimbus has a blob", {{"blob", blob}});
            }
            return base::Done{};
        },
        [](base::Done) {});
    if (!taken) base::log::warn("too many blobs are being copied");
}

bool BlobThread::copy_from_(const cluster::NimbusRecord& peer, const std::string& blob) const {
    net::HttpCall wanted = call_to(peer, "GET", blob);
    wanted.save_file = store_.path("new-from-" + blob);
    const auto got = net::call(wanted);
    bool published = false;
    if (got && got->status == 200) {
        auto made = store_.create(blob);
        std::ifstream file(wanted.save_file, std::ios::binary);
        std::string piece(256 * 1024, '\0');
        bool whole = made.has_value();
        while (whole && file) {
            file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
            whole = made.value()
                        ->write({piece.data(), static_cast<std::size_t>(file.gcount())})
                        .has_value();
        }
        published = whole && made.value()->publish().has_value();
        ::unlink(wanted.save_file.c_str());
    }
    if (published) base::log::info("blob fetched", {{"blob", blob}, {"from", peer.id}});
    return published;
}

void BlobThread::sweep(std::set<std::string> in_use, std::function<void(BlobStore::Stock)> answer) {
    const bool taken = errands_.run(
        [this, in_use = std::move(in_use)] { return store_.sweep(in_use, kBlobKeepUnused); },
        std::move(answer));
    if (!taken) base::log::warn("too many blobs are being copied");
}

}  // namespace storm::nimbus
