// What a Supervisor needs around it, for tests with real worker processes: a cluster's state in
// memory, and a Nimbus that has blobs and takes reports.
//
//     TestCluster cluster;
//     cluster.start();                        // The Supervisor, in this process.
//     cluster.submit("wc", {"run"});
//     cluster.wait_until([&] { return … cluster.status(0) … });
//
// Threads: one, besides that of the HTTP server.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.
#include <vector>

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "base/clock.h"
#include "cluster/asio_loop.h"
#include "cluster/cluster_state.h"
#include "cluster/election.h"
#include "cluster/limits.h"
#include "cluster/memory_coordination.h"
#include "cluster/session.h"
#include "net/http_server.h"
#include "supervisor/saved_worker.h"
#include "supervisor/supervisor.h"

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

class TestCluster {
public:
    TestCluster() : folder_(make_folder_()) {
        program_ = content_of(std::string(STORM_BIN_DIR) + "/../tests/test-worker");
        program_sha_ = supervisor::sha256(program_);
        nimbus_http_ =
            std::move(net::HttpServer::listen(0, [this](const net::HttpRequest& request) {
                return answer_(request);
            })).value();
        nimbus_name_ = "127.0.0.1:" + std::to_string(nimbus_http_->port());
        election_.emplace(nimbus_session_, nimbus_name_, 1,
                          [this](const std::optional<cluster::Term>& term) { term_ = term; });
        settings.places = {folder_ + "/local", folder_ + "/local/logs"};
        settings.host = "127.0.0.1";
        settings.slots = {0, 0};
        settings.token_file = folder_ + "/token";
        settings.times.worker_timeout = 2 * base::kMicrosPerSecond;
        settings.times.shutdown_sleep = base::kMicrosPerSecond;
        std::ofstream(settings.token_file) << "secret\n";
        wait_until([this] { return term_.has_value(); });
    }
    TestCluster(const TestCluster&) = delete;
    TestCluster& operator=(const TestCluster&) = delete;
    ~TestCluster() {
        supervisor_.reset();
        nimbus_http_.reset();
        // Whatever the test has left running.
        for (const supervisor::SavedWorker& saved : supervisor::read_states(settings.places)) {
            if (!saved.running || saved.pid <= 0) continue;
            if (auto left = supervisor::WorkerProcess::find(saved.pid, saved.start_time)) {
                left->signal(SIGKILL);
                for (int i = 0; i < 1000 && !left->has_ended(); ++i) ::usleep(1000);
                left->reap();
            }
        }
        std::filesystem::remove_all(folder_);
    }

    base::Result<base::Done> try_start() {
        auto made = supervisor::Supervisor::start(
            {io_, supervisor_session_, [this](const std::string&) { replaced = true; }}, settings);
        if (!made) return made.error();
        supervisor_ = std::move(made).value();
        return base::Done{};
    }
    void start() {
        const auto started = try_start();
        ASSERT_TRUE(started) << started.error().message;
    }
    /// As SIGTERM: workers stay.
    void stop() { supervisor_.reset(); }
    supervisor::Supervisor& supervisor() { return *supervisor_; }

    bool wait_until(const std::function<bool()>& reached,
                    std::chrono::milliseconds patience = std::chrono::seconds(10)) {
        const auto end = std::chrono::steady_clock::now() + patience;
        while (!reached()) {
            if (std::chrono::steady_clock::now() > end) return false;
            io_.run_for(std::chrono::milliseconds(1));
            io_.restart();
        }
        return true;
    }
    void run_for(std::chrono::milliseconds duration) {
        wait_until([] { return false; }, duration);
    }

    /// With a worker in each slot that the Supervisor has, up to `workers`.
    void submit(const std::string& id, const std::string& mode, std::size_t workers = 1) {
        cluster::TopologyRecord record;
        record.id = id;
        record.name = id;
        record.description = "{}";
        record.settings = {{"test.mode", mode}};
        record.artifacts = artifacts;
        record.artifacts.insert(record.artifacts.begin(),
                                {"test-worker", program_sha_, 0755, program_.size()});
        record.secret = std::string(cluster::kSecretBytes, 's');
        cluster::Assignment assignment;
        assignment.topology = id;
        assignment.epoch = 1;
        const auto ports = slots();
        for (std::size_t i = 0; i < workers; ++i) {
            assignment.workers.push_back(
                {static_cast<std::uint32_t>(i), supervisor_->id(), "127.0.0.1", ports.at(i), 1});
        }
        std::optional<cluster::Write> wrote;
        nimbus_.create_topology(*term_, record, assignment,
                                [&wrote](cluster::Write outcome) { wrote = outcome; });
        ASSERT_TRUE(wait_until([&] { return wrote.has_value(); }));
        ASSERT_EQ(*wrote, cluster::Write::kDone);
        assignments[id] = assignment;
    }
    /// Raises the epoch, and writes it.
    void reassign(const std::string& id, const std::function<void(cluster::Assignment&)>& change) {
        cluster::Assignment& assignment = assignments.at(id);
        ++assignment.epoch;
        change(assignment);
        std::optional<cluster::Write> wrote;
        nimbus_.set_assignment(*term_, assignment,
                               [&wrote](cluster::Write outcome) { wrote = outcome; });
        ASSERT_TRUE(wait_until([&] { return wrote.has_value(); }));
        ASSERT_EQ(*wrote, cluster::Write::kDone);
    }
    void remove(const std::string& id) {
        std::optional<cluster::Write> wrote;
        nimbus_.remove_topology(*term_, id, id,
                                [&wrote](cluster::Write outcome) { wrote = outcome; });
        ASSERT_TRUE(wait_until([&] { return wrote.has_value(); }));
    }

    /// Of a worker, by topology and number; nothing: it has no slot.
    std::optional<cluster::WorkerStatus> status(const std::string& id, std::uint32_t number = 0) {
        for (cluster::WorkerStatus& each : supervisor_->report().workers) {
            if (each.topology == id && each.number == number) return std::move(each);
        }
        return std::nullopt;
    }
    bool runs(const std::string& id, std::uint32_t number = 0) {
        const auto found = status(id, number);
        return found && found->pid > 0 && !found->report.components.empty() &&
               found->report.state == cluster::WorkerState::kRunning;
    }
    std::string file(const std::string& id, const std::string& name, std::uint32_t number = 0) {
        return settings.places.worker(id, number) + '/' + name;
    }
    std::string log(const std::string& id, const std::string& name, std::uint32_t number = 0) {
        return settings.places.logs(id, number) + '/' + name;
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
        const std::string ready = content_of(settings.places.ready());
        const std::size_t begin = ready.find("\"slots\":[") + 9;
        std::istringstream list(ready.substr(begin, ready.find(']', begin) - begin));
        std::vector<std::uint16_t> ports;
        for (std::string port; std::getline(list, port, ',');) {
            ports.push_back(static_cast<std::uint16_t>(std::stoul(port)));
        }
        return ports;
    }

    std::string blob_path(const std::string& sha) {
        return settings.places.artifacts() + '/' + sha;
    }
    const std::string& program_sha() const { return program_sha_; }
    void add_file(const std::string& name, const std::string& content, std::uint32_t mode) {
        const std::string sha = supervisor::sha256(content);
        const std::lock_guard lock(mutex_);
        files_[sha] = content;
        artifacts.push_back({name, sha, mode, content.size()});
    }
    std::vector<cluster::SupervisorReport> reports() {
        const std::lock_guard lock(mutex_);
        return reports_;
    }
    int downloads() {
        const std::lock_guard lock(mutex_);
        return downloads_;
    }
    cluster::MemoryServer& zookeeper() { return server_; }
    cluster::AsioLoop& supervisor_loop() { return supervisor_loop_; }
    boost::asio::io_context& io() { return io_; }
    std::string folder() const { return folder_; }

    supervisor::Settings settings;
    std::vector<cluster::Artifact> artifacts;  ///< Besides the program.
    std::map<std::string, cluster::Assignment> assignments;
    bool replaced = false;

private:
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
        const auto token = request.headers.find("authorization");
        if (token == request.headers.end() || token->second != "Bearer secret") {
            return net::HttpResponse::error(401, "no token");
        }
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

    boost::asio::io_context io_{1};
    cluster::AsioLoop server_loop_{io_}, nimbus_loop_{io_}, supervisor_loop_{io_};
    cluster::MemoryServer server_{server_loop_};
    cluster::Session nimbus_session_{nimbus_loop_, [this] { return server_.connect(nimbus_loop_); },
                                     "/storm"};
    cluster::Session supervisor_session_{
        supervisor_loop_, [this] { return server_.connect(supervisor_loop_); }, "/storm"};
    cluster::ClusterState nimbus_{nimbus_session_};
    std::unique_ptr<net::HttpServer> nimbus_http_;
    std::string nimbus_name_;
    std::optional<cluster::Term> term_;
    std::optional<cluster::Election> election_;
    std::unique_ptr<supervisor::Supervisor> supervisor_;
};

}  // namespace storm::testing
