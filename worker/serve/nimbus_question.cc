#include "worker/serve/nimbus_question.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <boost/asio/post.hpp>

#include "net/http_client.h"
#include "worker/serve/limits.h"

namespace storm::worker {
namespace {

using Answer = Lease::Answer;
using Said = NimbusQuestion::Said;

struct Outcome {
    Said said;
    std::optional<cluster::NimbusAddress> by;
};

/// Nothing: another Nimbus may know more.
std::optional<Said> said_by(const cluster::NimbusAddress& nimbus, const std::string& target) {
    net::HttpCall call;
    call.host = nimbus.host;
    call.port = nimbus.port;
    call.target = target;
    call.connect_timeout = call.timeout = call.deadline = kAskTimeout;
    const auto response = net::call(call);
    if (!response) return std::nullopt;
    if (response->status == 410) return Said{Answer::kGone, std::nullopt};
    if (response->status != 200) return std::nullopt;
    auto assignment = cluster::decode<cluster::Assignment>(response->body);
    if (!assignment) return std::nullopt;
    return Said{Answer::kYours, std::move(assignment).value()};
}

Outcome said_by_any(const std::vector<cluster::NimbusAddress>& nimbuses,
                    const std::string& target) {
    for (const cluster::NimbusAddress& nimbus : nimbuses) {
        if (auto said = said_by(nimbus, target)) return {*std::move(said), nimbus};
    }
    return {};
}

}  // namespace

NimbusQuestion::NimbusQuestion(boost::asio::io_context& io, std::string topology,
                               std::uint32_t worker)
    : io_(io),
      target_("/api/v1/assignments/" + std::move(topology) + "?worker=" + std::to_string(worker)) {}

NimbusQuestion::~NimbusQuestion() {
    *alive_ = false;
}

void NimbusQuestion::ask(std::vector<cluster::NimbusAddress> nimbuses,
                         std::function<void(Said)> then) {
    if (last_) {
        nimbuses.erase(std::remove(nimbuses.begin(), nimbuses.end(), *last_), nimbuses.end());
        nimbuses.insert(nimbuses.begin(), *last_);
    }
    if (nimbuses.size() > kAskTries) nimbuses.resize(kAskTries);
    thread_.reset();  // It has answered, so it ends at once.
    thread_.emplace("ask-nimbus", [this, alive = alive_, target = target_,
                                   nimbuses = std::move(nimbuses), then = std::move(then)] {
        auto outcome = std::make_shared<Outcome>(said_by_any(nimbuses, target));
        boost::asio::post(io_, [this, alive, outcome, then] {
            if (!*alive) return;
            last_ = outcome->by;
            then(std::move(outcome->said));
        });
    });
}

}  // namespace storm::worker
