// Pods with an address of their own. Perl is the smallest program with sockets that every Debian has.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "devcluster/node/pod_sockets.hpp"
#include "node_fixture.hpp"

namespace fracta::devcluster {
namespace {

using testing::HasSubstr;

// Answers every connection with `name`; `bind` as Perl's LocalAddr.
std::string server(const std::string& name, const std::string& bind) {
  return "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5, LocalAddr => \"" + bind +
         "\", LocalPort => 8080) or die \"listen: $!\"; $| = 1; print \"ready\\n\"; "
         "while ($c = $s->accept) { print $c \"" +
         name + "\\n\"; close $c }'";
}

std::string client(const std::string& host) {
  return "perl -MIO::Socket::INET -e '$c = IO::Socket::INET->new(PeerAddr => \"" + host +
         "\", PeerPort => 8080) or die \"connect: $!\"; print <$c>'";
}

// What a server on the pod's address says to somebody outside.
std::string ask(const std::string& ip) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(8080);
  EXPECT_EQ(::inet_pton(AF_INET, ip.c_str(), &address.sin_addr), 1) << ip;
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return "refused";
  std::array<char, 64> buffer{};
  const auto got = ::read(fd.get(), buffer.data(), buffer.size());
  return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

class NodeNetworkTest : public ClusterTest {
 protected:
  void SetUp() override {
    if (::access("/usr/bin/perl", X_OK) != 0) GTEST_SKIP() << "needs perl";
    if (!PodSockets::possible()) GTEST_SKIP() << "no loopback addresses or descriptors of children to be had here";
    ClusterTest::SetUp();
    start_node();
  }
  std::string start(const std::string& name, const std::string& script, const Json& main = Json::object()) {
    Json wanted = main;
    wanted["readinessProbe"] = {{"tcpSocket", {{"port", 8080}}}, {"periodSeconds", 1}};
    create("pods", pod(name, script, {{"main", wanted}}));
    const Json p = wait_until("pods", name, [](const Json& o) {
      const Json* s = find_path(o, "status/containerStatuses");
      return s != nullptr && bool_at((*s)[0], "ready");
    });
    return string_at(p, "status/podIP");
  }
};

TEST_F(NodeNetworkTest, TwoPodsListenOnOnePort) {
  const auto a = start("a", server("a", "0.0.0.0")), b = start("b", server("b", "0.0.0.0"));
  EXPECT_NE(a, b);
  EXPECT_EQ(ask(a), "a\n");
  EXPECT_EQ(ask(b), "b\n");
}

TEST_F(NodeNetworkTest, LocalhostIsThePodsOwn) {
  start("other", server("other", "127.0.0.1"));
  create("pods", pod("p", server("mine", "127.0.0.1") + " & until " + client("127.0.0.1") + "; do sleep 0.05; done"));
  wait_for_phase("p", "Succeeded");
  EXPECT_THAT(logs("p"), HasSubstr("mine\n"));
  EXPECT_THAT(logs("p"), testing::Not(HasSubstr("other")));
}

TEST_F(NodeNetworkTest, PodsReachEachOtherAndTheHostsLocalhost) {
  const auto ip = start("server", server("peer", "0.0.0.0"));
  // A service of the host's on its localhost.
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 5), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  create("pods", pod("p", client(ip) + "; perl -MIO::Socket::INET -e 'IO::Socket::INET->new(PeerAddr => \"127.0.0.1:" +
                              std::to_string(ntohs(address.sin_port)) + "\") or die; print \"host\\n\"'"));
  wait_for_phase("p", "Succeeded");
  EXPECT_EQ(logs("p"), "peer\nhost\n");
}

TEST_F(NodeNetworkTest, HostNetworkMeansTheHostsAddress) {
  create("pods", pod("p", "sleep 60", {{"hostNetwork", true}}));
  const Json p = wait_for_phase("p", "Running");
  EXPECT_EQ(string_at(p, "status/podIP"), string_at(p, "status/hostIP"));
}

}  // namespace
}  // namespace fracta::devcluster
