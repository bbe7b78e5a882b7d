// The surroundings of a Supervisor for tests with real worker processes: a leader that has blobs,
// takes reports, and submits topologies.
//
// Threads: one, besides that of the HTTP server.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "base/clock.h"
#include "base/sha256.h"
#include "cluster/limits.h"
#include "cluster/reports.h"
#include "cluster/seal.h"
#include "coordination/cluster_state.h"
#include "coordination/election.h"
#include "coordination/node_set.h"
#include "coordination/session.h"
#include "daemon/asio_loop.h"
#include "net/access.h"
#include "net/http_server.h"
#include "supervisor/artifact_cache.h"
#include "supervisor/leftovers.h"
#include "supervisor/places.h"
#include "supervisor/saved_worker.h"
#include "supervisor/worker_process.h"
#include "supervisor/worker_users.h"

namespace storm::testing {

inline std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

/// One line of a test worker's file "starts".
struct WorkerStart {
    std::uint64_t incarnation = 0;
    pid_t pid = 0;
    base::Micros at = 0;
};

class TestNimbus {
public:
    using Connect = std::function<std::unique_ptr<coordination::Coordination>(base::EventLoop&)>;

    explicit TestNimbus(const Connect& connect)
        : folder_(make_folder_()),
          session_(
              loop_, [this, connect] { return connect(loop_); }, "/storm") {
        places = {folder_ + "/local", folder_ + "/local/logs"};
        program_ = content_of(std::string(STORM_BIN_DIR) + "/../tests/test-worker");
        program_sha_ = base::sha256(program_);
        http_ =
            std::move(net::HttpServer::listen(
                          0, [this](const net::HttpRequest& request) { return answer_(request); },
                          [this](const net::HttpRequest& head) { return door_.recognize(head); }))
                .value();
        address_ = "127.0.0.1:" + std::to_string(http_->port());
        election_.emplace(session_, address_, 1,
                          [this](const std::optional<coordination::Term>& term) { term_ = term; });
        std::ofstream(token_file()) << "secret\n";
        ::chmod(token_file().c_str(), S_IRUSR | S_IWUSR);
    }
    TestNimbus(const TestNimbus&) = delete;
    TestNimbus& operator=(const TestNimbus&) = delete;
    ~TestNimbus() {
        http_.reset();
        end_workers();
        std::filesystem::remove_all(folder_);
    }

    /// Whatever the test has left running, also if it has taken away what was saved of it.
    void end_workers() const {
        end_saved_workers_();
        for (const auto& process : std::filesystem::directory_iterator("/proc")) {
            std::error_code gone;
            const std::string folder = std::filesystem::read_symlink(process.path() / "cwd", gone);
            const pid_t pid = std::atoi(process.path().filename().c_str());
            if (!gone && pid > 0 && folder.starts_with(folder_ + "/")) ::kill(pid, SIGKILL);
        }
    }

    bool wait_until(const std::function<bool()>& reached,
                    std::chrono::milliseconds patience = std::chrono::seconds(60)) {
        const auto end = std::chrono::steady_clock::now() + patience;
        while (!reached()) {
            if (std::chrono::steady_clock::now() > end) return false;
            io_.run_for(std::chrono::milliseconds(1));
            io_.restart();
        }
        return true;
    }
    /// It has registered.
    bool wait_for_supervisor(const std::string& id) {
        bool is_there = false;
        const coordination::WatchedNode node(
            session_, "/storm/supervisors/" + id,
            [&](const std::optional<coordination::Node>& found) { is_there = found.has_value(); });
        return wait_until([&] { return is_there; });
    }
    void run_for(std::chrono::milliseconds duration) {
        wait_until([] { return false; }, duration);
    }

    /// Puts a worker on each port.
    void submit(const std::string& id, const std::string& mode, const std::string& supervisor_id,
                const std::vector<std::uint16_t>& ports) {
        ASSERT_TRUE(wait_until([this] { return term_.has_value(); }));
        cluster::TopologyRecord record;
        record.id = id;
        record.name = id;
        record.description = "{}";
        record.settings = settings;
        record.settings["test.mode"] = mode;
        record.settings["topology.secret.settings"] = "test.mode";
        record.artifacts = artifacts;
        record.artifacts.insert(record.artifacts.begin(),
                                {"test-worker", program_sha_, 0755, program_.size()});
        const cluster::Seal seal("secret");
        record.secret = seal.new_secret();
        records_[id] = record;
        record = seal.sealed(std::move(record)).value();
        cluster::Assignment assignment;
        assignment.topology = id;
        assignment.epoch = 1;
        for (std::size_t i = 0; i < ports.size(); ++i) {
            assignment.workers.push_back(
                {static_cast<std::uint32_t>(i), supervisor_id, "127.0.0.1", ports[i], 1});
        }
        std::optional<coordination::Write> wrote;
        state_.create_topology(*term_, record, assignment,
                               [&wrote](coordination::Write outcome) { wrote = outcome; });
        ASSERT_TRUE(wait_until([&] { return wrote.has_value(); }));
        ASSERT_EQ(*wrote, coordination::Write::kDone);
        assignments[id] = assignment;
    }
    /// Raises the epoch, and writes it.
    void reassign(const std::string& id, const std::function<void(cluster::Assignment&)>& change) {
        cluster::Assignment& assignment = assignments.at(id);
        ++assignment.epoch;
        change(assignment);
        std::optional<coordination::Write> wrote;
        state_.set_assignment(*term_, assignment,
                              [&wrote](coordination::Write outcome) { wrote = outcome; });
        ASSERT_TRUE(wait_until([&] { return wrote.has_value(); }));
        ASSERT_EQ(*wrote, coordination::Write::kDone);
    }
    /// Its workers end, and others come in their places, in another mode: as a Supervisor sees it
    /// that was away while the former ones were to drain.
    void rebalance(const std::string& id, const std::string& mode) {
        cluster::TopologyRecord& record = records_.at(id);
        record.settings["test.mode"] = mode;
        cluster::Assignment& assignment = assignments.at(id);
        ++assignment.epoch;
        for (cluster::WorkerSlot& slot : assignment.workers) slot.epoch = assignment.epoch;
        std::optional<coordination::Write> wrote;
        state_.update(*term_, cluster::Seal("secret").sealed(record).value(), assignment,
                      [&wrote](coordination::Write outcome) { wrote = outcome; });
        ASSERT_TRUE(wait_until([&] { return wrote.has_value(); }));
        ASSERT_EQ(*wrote, coordination::Write::kDone);
    }
    void remove(const std::string& id) {
        std::optional<coordination::Write> wrote;
        state_.remove_topology(*term_, id, id, {},
                               [&wrote](coordination::Write outcome) { wrote = outcome; });
        ASSERT_TRUE(wait_until([&] { return wrote.has_value(); }));
    }

    std::string file(const std::string& id, const std::string& name, std::uint32_t number = 0) {
        return places.worker(id, number) + '/' + name;
    }
    std::string log(const std::string& id, const std::string& name, std::uint32_t number = 0) {
        return places.logs(id, number) + '/' + name;
    }
    std::vector<WorkerStart> starts(const std::string& id, std::uint32_t number = 0) {
        std::ifstream lines(file(id, "starts", number));
        std::vector<WorkerStart> found;
        for (WorkerStart each; lines >> each.incarnation >> each.pid >> each.at;) {
            found.push_back(each);
        }
        return found;
    }
    std::vector<std::uint16_t> slots() {
        const std::string ready = content_of(places.local_dir + "/supervisor.json");
        const std::size_t begin = ready.find("\"slots\":[") + 9;
        std::istringstream list(ready.substr(begin, ready.find(']', begin) - begin));
        std::vector<std::uint16_t> ports;
        for (std::string port; std::getline(list, port, ',');) {
            ports.push_back(static_cast<std::uint16_t>(std::stoul(port)));
        }
        return ports;
    }

    std::string blob_path(const std::string& sha) { return places.artifacts() + '/' + sha; }
    const std::string& program_sha() const { return program_sha_; }
    void add_file(const std::string& name, const std::string& content, std::uint32_t mode) {
        const std::string sha = base::sha256(content);
        const std::lock_guard lock(mutex_);
        files_[sha] = content;
        artifacts.push_back({name, sha, mode, content.size()});
    }
    std::vector<cluster::SupervisorReport> reports() {
        const std::lock_guard lock(mutex_);
        return reports_;
    }
    /// Requests that had the token itself in them.
    int tokens_sent() {
        const std::lock_guard lock(mutex_);
        return tokens_sent_;
    }
    int downloads() {
        const std::lock_guard lock(mutex_);
        return downloads_;
    }
    boost::asio::io_context& io() { return io_; }
    coordination::Session& session() { return session_; }
    std::string folder() const { return folder_; }
    std::string token_file() const { return folder_ + "/token"; }
    const std::string& address() const { return address_; }

    supervisor::Places places;                    ///< The Supervisor's.
    std::vector<cluster::Artifact> artifacts;     ///< Besides the program.
    std::map<std::string, std::string> settings;  ///< Settings of topologies, besides test.mode.
    std::map<std::string, cluster::Assignment> assignments;

private:
    void end_saved_workers_() const {
        for (const supervisor::SavedWorker& saved : supervisor::read_states(places).workers) {
            if (!saved.running || saved.pid <= 0) continue;
            if (auto left = supervisor::WorkerProcess::find(saved.pid, saved.start_time)) {
                left->signal(SIGKILL);
                for (int i = 0; i < 1000 && !left->has_ended(); ++i) ::usleep(1000);
                left->reap();
            }
            supervisor::end_leftovers(
                places, {saved.topology, saved.number, saved.port, saved.pid, saved.start_time},
                {});
        }
    }
    static std::string make_folder_() {
        std::string name = (std::filesystem::temp_directory_path() / "supervisor-XXXXXX").string();
        return ::mkdtemp(name.data());
    }

    net::HttpResponse answer_(const net::HttpRequest& request) {
        const std::lock_guard lock(mutex_);
        const std::string blobs = "/api/v1/blobs/";
        if (request.target.starts_with(blobs)) {
            ++downloads_;
            const std::string sha = request.target.substr(blobs.size());
            net::HttpResponse response;
            response.content_type = "application/octet-stream";
            if (sha == program_sha_) {
                response.body = program_;
            } else if (const auto found = files_.find(sha); found != files_.end()) {
                response.body = found->second;
            } else {
                return net::HttpResponse::error(404, "no such blob");
            }
            return response;
        }
        if (auto refused = door_.refuse_without(net::Access::kChange, request, "")) {
            return *std::move(refused);
        }
        tokens_sent_ += request.headers.at("authorization").find("secret") != std::string::npos;
        auto report = cluster::supervisor_report(request.body);
        if (!report) return net::HttpResponse::error(422, report.error().message);
        reports_.push_back(std::move(report).value());
        net::HttpResponse response;
        response.status = 204;
        return response;
    }

    const std::string folder_;
    std::string program_;
    std::string program_sha_;
    std::mutex mutex_;
    std::map<std::string, std::string> files_;
    std::vector<cluster::SupervisorReport> reports_;
    int downloads_ = 0;
    std::map<std::string, cluster::TopologyRecord> records_;  // Not sealed.
    int tokens_sent_ = 0;

    const base::SteadyClock clock_;
    net::Doorkeeper door_{[] { return net::Tokens{"secret", ""}; }, clock_, "of nonces"};
    boost::asio::io_context io_{1};
    daemon::AsioLoop loop_{io_};
    coordination::Session session_;
    coordination::ClusterState state_{session_};
    std::unique_ptr<net::HttpServer> http_;
    std::string address_;
    std::optional<coordination::Term> term_;
    std::optional<coordination::Election> election_;
};

}  // namespace storm::testing
