#include "worker/serve/nimbus_question.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "cluster/sealed_answer.h"
#include "net/address.h"
#include "net/http_client.h"
#include "worker/serve/limits.h"

namespace storm::worker {

using Addresses = std::vector<cluster::NimbusAddress>;

// The list may be longer than the tries of one question, and begin with addresses where nobody
// answers. So each question in vain begins as many places further on.
Addresses AskOrder::next(Addresses nimbuses) const {
    if (last_) {
        std::erase(nimbuses, *last_);
        nimbuses.insert(nimbuses.begin(), *last_);
    } else if (!nimbuses.empty()) {
        const std::size_t first = in_vain_ * kAskTries % nimbuses.size();
        std::rotate(nimbuses.begin(), nimbuses.begin() + static_cast<std::ptrdiff_t>(first),
                    nimbuses.end());
    }
    if (nimbuses.size() > kAskTries) nimbuses.resize(kAskTries);
    return nimbuses;
}

void AskOrder::answered(std::optional<cluster::NimbusAddress> by) {
    in_vain_ = by ? 0 : in_vain_ + 1;
    last_ = std::move(by);
}

NimbusQuestion::NimbusQuestion(boost::asio::io_context& io, const base::Clock& clock,
                               const Asker& asker)
    : io_(io),
      clock_(clock),
      topology_(asker.topology),
      key_(cluster::answer_key(asker.secret, asker.topology)),
      target_("/api/v1/assignments/" + asker.topology + "?worker=" + std::to_string(asker.worker)) {
}

NimbusQuestion::~NimbusQuestion() {
    *alive_ = false;
}

NimbusQuestion::Outcome NimbusQuestion::ask_all(const Addresses& nimbuses,
                                                const std::string& target, AskedNimbus asked) {
    Outcome outcome;
    for (const cluster::NimbusAddress& nimbus : nimbuses) {
        // A new one for each, so that none can repeat what another has said.
        asked.challenge = cluster::new_challenge();
        net::HttpCall call;
        call.host = nimbus.host;
        call.port = nimbus.port;
        call.target = target;
        call.headers[cluster::kChallengeHeader] = asked.challenge;
        call.connect_timeout = call.timeout = call.deadline = kAskTimeout;
        call.response_bytes_max = cluster::kRecordBytesMax;
        const auto response = net::call(call);
        if (!response) continue;
        NimbusAnswer answer = answer_in(*response, asked);
        if (!answer.distrust.empty()) outcome.distrusted.emplace_back(nimbus, answer.distrust);
        if (answer.answer == Lease::Answer::kNone) continue;  // Another Nimbus may know more.
        outcome.answer = std::move(answer);
        outcome.by = nimbus;
        break;
    }
    return outcome;
}

// A thread, because the client blocks, and the loop that asks has reports and signals to look
// after. The handler that it posts runs on that loop, and looks at `alive` first: the asker may be
// gone by then.
void NimbusQuestion::ask(const Addresses& nimbuses, std::uint64_t epoch,
                         std::function<void(NimbusAnswer)> then) {
    thread_.reset();  // It has answered, so it ends at once.
    thread_.emplace("ask-nimbus",
                    [this, alive = alive_, target = target_, nimbuses = order_.next(nimbuses),
                     asked = AskedNimbus{topology_, key_, {}, epoch}, then = std::move(then)] {
                        auto outcome = std::make_shared<Outcome>(ask_all(nimbuses, target, asked));
                        boost::asio::post(io_, [this, alive, outcome, then] {
                            if (!*alive) return;
                            order_.answered(outcome->by);
                            warn_of(*outcome);
                            then(std::move(outcome->answer));
                        });
                    });
}

void NimbusQuestion::warn_of(const Outcome& outcome) {
    const base::Micros now = clock_.now();
    std::erase_if(warned_,
                  [now](const auto& each) { return now - each.second >= kDistrustInterval; });
    for (const auto& [nimbus, why] : outcome.distrusted) {
        const std::string address = net::to_string({nimbus.host, nimbus.port});
        if (!warned_.try_emplace(address, now).second) continue;
        base::log::warn(
            "does not believe an answer, as if there were none",
            {{"from", address},
             {"why", why},
             {"hint",
              "if it is an older Nimbus, or one with another token, mend that; else look "
              "who listens there"}});
    }
}

}  // namespace storm::worker
