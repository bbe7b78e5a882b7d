#include "nimbus/blobs/blob_thread.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "net/digest.h"
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

/// As it says. What is more, or no number, counts as the most that a blob may have.
std::uint64_t length_of(const net::HttpResponse& response) {
    const std::string_view text = net::header_of(response.headers, "content-length");
    std::uint64_t bytes = net::kHttpFileBytesMax;
    std::from_chars(text.data(), text.data() + text.size(), bytes);
    return std::min(bytes, net::kHttpFileBytesMax);
}

}  // namespace

/// Two threads, since copies wait for other hosts for minutes, and uploads for this disk only.
/// problem() looks at the one with the disk.
BlobThread::BlobThread(const BlobStore& store, base::EventLoop& loop, const base::WallClock& wall,
                       std::string token)
    : store_(store),
      loop_(loop),
      wall_(wall),
      token_(std::move(token)),
      errands_(loop, "blobs", kBlobJobsMax),
      copies_(loop, "blob-copies", kBlobJobsMax) {}

void BlobThread::publish(std::unique_ptr<NewBlob> blob, const Answer& answer) {
    const bool taken = errands_.run(
        [blob = std::shared_ptr<NewBlob>(std::move(blob))] { return blob->publish(); }, answer);
    if (!taken) answer(base::Error{"too many blobs are being written"});
}

void BlobThread::verify_all() {
    const bool taken =
        errands_.run([this] { return store_.list(); },
                     [this](std::vector<std::string> blobs) { verify_next_(std::move(blobs)); });
    if (!taken) base::log::warn("blobs are not checked: too many jobs are waiting");
}

void BlobThread::verify_next_(std::vector<std::string> left) {
    if (left.empty()) return;
    // The next one only when this one is done: an upload that comes meanwhile waits for one blob,
    // not for all.
    const std::string blob = left.back();
    left.pop_back();
    const bool taken = errands_.run(
        [this, blob] { return store_.verify(blob); },
        [this, left = std::move(left)](bool) mutable { verify_next_(std::move(left)); });
    if (!taken) base::log::warn("blobs are not checked: too many jobs are waiting");
}

void BlobThread::replicate(std::vector<std::string> blobs, std::vector<cluster::NimbusRecord> peers,
                           Copied copied) {
    // Called by the job or by the timer, whichever comes first.
    const auto once = std::make_shared<Copied>(std::move(copied));
    const auto answer = [once](const std::string& lacking) {
        if (*once) std::exchange(*once, nullptr)(lacking);
    };
    const bool taken = copies_.run(
        [this, blobs = std::move(blobs), peers = std::move(peers)] {
            std::string lacking;
            for (const cluster::NimbusRecord& peer : peers) {
                for (const std::string& blob : blobs) {
                    const auto copy = copy_to_(peer, blob);
                    if (copy) continue;
                    base::log::warn(
                        "a Nimbus did not take a blob; it will fetch it later",
                        {{"nimbus", peer.id}, {"blob", blob}, {"why", copy.error().message}});
                    // No more tries with this peer: it may hang at each blob, and others wait.
                    lacking += (lacking.empty() ? "" : "; ") + copy.error().message;
                    break;
                }
            }
            return lacking;
        },
        answer);
    if (!taken) return answer("too many blobs are being copied");
    loop_.after(kCopyPatience,
                lifetime_.guard([answer] { answer("other Nimbuses are slow to take copies"); }));
}

/// Asked first: a blob that is there need not be sent, and a stranger, or a peer that hangs, is
/// noticed soon.
base::Result<net::HttpResponse> BlobThread::ask_(const cluster::NimbusRecord& peer,
                                                 const std::string& blob) {
    net::HttpCall question = call_to(peer, "HEAD", blob);
    question.connect_timeout = question.timeout = kReplicateAskTimeout;
    auto asked = peers_.call(question, token_);
    if (asked.outcome != net::TokenClient::Outcome::kAnswered) return base::Error{asked.why};
    return std::move(asked.response);
}

base::Result<base::Done> BlobThread::copy_to_(const cluster::NimbusRecord& peer,
                                              const std::string& blob) {
    using Outcome = net::TokenClient::Outcome;
    const auto asked = ask_(peer, blob);
    if (!asked) return asked.error();
    if (asked->status == 200) return base::Done{};
    net::HttpCall wanted = call_to(peer, "PUT", blob);
    wanted.headers[net::kContentHashHeader] = blob;
    wanted.body_file = store_.path(blob);
    wanted.deadline = net::file_deadline(store_.size(blob).value_or(0));
    const auto put = peers_.call(wanted, token_);
    if (put.outcome != Outcome::kAnswered) return base::Error{put.why};
    if (put.response.status == 200 || put.response.status == 201) return base::Done{};
    return base::Error{"Nimbus " + peer.id + " does not take blob " + blob + ": " +
                       std::to_string(put.response.status) + ' ' + put.response.body};
}

void BlobThread::fetch(std::vector<std::string> blobs, std::vector<cluster::NimbusRecord> peers) {
    // The caller asks regularly, so what this round leaves out is in a later one.
    if (std::exchange(fetching_, true)) return;
    const bool taken = copies_.run(
        [this, blobs = std::move(blobs), peers = std::move(peers)] {
            for (const std::string& blob : blobs) {
                if (store_.size(blob)) continue;
                std::string why;
                const bool found = std::any_of(peers.begin(), peers.end(), [&](const auto& peer) {
                    const auto copied = copy_from_(peer, blob);
                    if (!copied) why += (why.empty() ? "" : "; ") + copied.error().message;
                    return copied.has_value();
                });
                if (!found) base::log::warn("cannot fetch a blob", {{"blob", blob}, {"why", why}});
            }
            return base::Done{};
        },
        [this](base::Done) {
            STORM_CHECK(fetching_, "one round fetches at a time, and this is its end");
            fetching_ = false;
        });
    if (!taken) fetching_ = false;
}

base::Result<base::Done> BlobThread::copy_from_(const cluster::NimbusRecord& peer,
                                                const std::string& blob) {
    const auto asked = ask_(peer, blob);
    if (!asked) return asked.error();
    if (asked->status != 200) {
        return base::Error{"Nimbus " + peer.id + " answers " + std::to_string(asked->status)};
    }
    net::HttpCall wanted = call_to(peer, "GET", blob);
    wanted.save_file = store_.path("new-from-" + blob);
    wanted.deadline = net::file_deadline(length_of(*asked));
    // Without the token: no matter who sends it, the hash tells whether it is right.
    const auto got = net::call(wanted);
    if (!got) return got.error();
    if (got->status != 200) {
        return base::Error{"Nimbus " + peer.id + " answers " + std::to_string(got->status)};
    }
    // The way of an upload: it gets its name only with the right hash.
    auto made = store_.create(blob);
    std::ifstream file(wanted.save_file, std::ios::binary);
    ::unlink(wanted.save_file.c_str());
    if (!made) return made.error();
    std::string piece(256 * 1024, '\0');
    while (file) {
        file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        auto written = made.value()->write({piece.data(), static_cast<std::size_t>(file.gcount())});
        if (!written) return written;
    }
    auto published = made.value()->publish();
    if (published) base::log::info("blob fetched", {{"blob", blob}, {"from", peer.id}});
    return published;
}

std::string BlobThread::problem() const {
    return errands_.at_work_for() < kBlobJobMax ? "" : "a blob's disk does not answer";
}

void BlobThread::note_users(BlobUsers users) {
    const bool taken = errands_.run(
        [this, users = std::move(users)] {
            store_.note_users(users);
            return base::Done{};
        },
        [](base::Done) {});
    if (!taken) base::log::warn("blobs are not noted: too many jobs are waiting");
}

void BlobThread::sweep(BlobUsers users, std::set<std::string> removed,
                       std::function<void(BlobStore::Stock)> answer) {
    const bool taken = errands_.run(
        [this, users = std::move(users), removed = std::move(removed), now = wall_.now()] {
            // Noted first: ZooKeeper may lose its data before the next round.
            store_.note_users(users);
            return store_.sweep(users, removed, {kBlobKeepUnused, kBlobKeepLost}, now);
        },
        std::move(answer));
    if (!taken) base::log::warn("blobs are not swept: too many jobs are waiting");
}

}  // namespace storm::nimbus
