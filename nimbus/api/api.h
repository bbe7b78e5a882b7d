// Nimbus' HTTP interface: docs/http-api.md, and openapi.json here.
//
//     request ──► token? ──► route? ──► allowed? ──► does this one lead? ──► answer
//                  401      404, 405    401, 403      421
//
// Reading needs no token, except what users wrote or printed.
//
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/lifetime.h"
#include "cluster/seal.h"
#include "net/access.h"
#include "net/http_server.h"
#include "net/routes.h"
#include "nimbus/api/views.h"
#include "nimbus/blobs/blob_store.h"
#include "nimbus/blobs/blob_thread.h"
#include "nimbus/topology_store/topologies.h"

namespace storm::nimbus {

/// The parts that the interface uses; they must outlive it.
struct ApiParts {
    Topologies& topologies;
    const Nimbuses& nimbuses;
    const BlobStore& blobs;
    BlobThread& blob_thread;
    const base::WallClock& wall;
    std::function<std::string()> zookeeper;  ///< "connected", or the present state.
    net::Tokens tokens;
    const base::Clock& clock;
};

class Api {
public:
    explicit Api(ApiParts parts);

    net::HttpRecognized recognize(const net::HttpRequest& head);
    net::HttpIntake intake(const net::HttpRequest& head);
    void answer(const net::HttpRequest& request, const net::HttpReply& reply);

    /// Until it is set, there are no peers to copy blobs to.
    void set_own_id(std::string id) { own_id_ = std::move(id); }
    void set_blob_stock(BlobStore::Stock stock) { blob_stock_ = stock; }
    /// Blobs that topologies need but that are not here.
    void set_blobs_missing(std::size_t count) { blobs_missing_ = count; }

    static const std::vector<net::RoutePattern>& routes();

private:
    struct Call;  // A request, with the argument in its path.
    struct Route;
    class Upload;
    static const net::RouteTable<Route>& table_();

    net::HttpResponse told_(std::string body) const;
    net::HttpResponse refusal_(const Refusal& refusal) const;
    /// Null: `refused` has the answer.
    const Route* route_(const net::HttpRequest& head, std::string& argument,
                        net::HttpResponse& refused);
    net::HttpReply counted_(net::HttpReply reply);
    std::vector<cluster::NimbusRecord> peers_() const;
    std::string leader_() const;
    /// Empty: nobody leads, or this Nimbus does.
    std::string other_leader_() const;

    void health_(const Call& call);
    void metrics_(const Call& call);
    void openapi_(const Call& call);
    void list_(const Call& call);
    void submit_(const Call& call);
    void topology_(const Call& call);
    void assignment_(const Call& call);
    void kill_(const Call& call);
    void rebalance_(const Call& call);
    void activate_(const Call& call);
    void deactivate_(const Call& call);
    void blob_(const Call& call);
    void supervisors_(const Call& call);
    void report_(const Call& call);
    void nimbuses_(const Call& call);
    void errors_(const Call& call);
    void targets_(const Call& call);
    /// Replies with `status` if the request is granted.
    Answered answered_(const net::HttpReply& reply, int status) const;

    const ApiParts parts_;
    const cluster::Seal seal_{parts_.tokens.full};
    net::Doorkeeper door_;
    std::string own_id_;
    BlobStore::Stock blob_stock_;
    std::size_t uploads_ = 0;
    std::size_t blobs_missing_ = 0;
    std::uint64_t copies_lacking_ = 0;  // Submissions whose blobs some Nimbus lacks.
    std::map<int, std::uint64_t> requests_by_status_;
    base::Lifetime lifetime_;
};

}  // namespace storm::nimbus
