// Tries connections from inside a pod, and serves the other end of them. It tells what the network did, not what an
// application said: open, refused (an answer says no: a reset or an ICMP message) or silent (no answer in time).
//
//	steppe-probe serve tcp:8080 udp:5353
//	steppe-probe check [-timeout 2s] [-output FILE] tcp:10.0.0.1:80 udp:10.0.0.1:5353 dns:name dns:name@10.96.0.10:53
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Outcome of one try.
type Outcome struct {
	Target string   `json:"target"`
	Result string   `json:"result"`
	Detail string   `json:"detail,omitempty"`
	Answer []string `json:"answer,omitempty"`
	Millis int64    `json:"millis"`
}

func main() {
	if len(os.Args) < 2 {
		fail("usage: steppe-probe serve ADDRESS... | check [-timeout D] [-output FILE] TARGET...")
	}
	switch os.Args[1] {
	case "serve":
		serve(os.Args[2:])
	case "check":
		check(os.Args[2:])
	default:
		fail("unknown command " + os.Args[1])
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(2)
}

// serve echoes on each address until it is told to stop.
func serve(addresses []string) {
	for _, address := range addresses {
		network, port, found := strings.Cut(address, ":")
		switch {
		case found && network == "tcp":
			listener, err := net.Listen("tcp", ":"+port)
			if err != nil {
				fail(err.Error())
			}
			go echoTCP(listener)
		case found && network == "udp":
			conn, err := net.ListenPacket("udp", ":"+port)
			if err != nil {
				fail(err.Error())
			}
			go echoUDP(conn)
		default:
			fail("not tcp:PORT or udp:PORT: " + address)
		}
	}
	fmt.Println("serving", strings.Join(addresses, " "))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}

func echoTCP(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		}()
	}
}

func echoUDP(conn net.PacketConn) {
	buffer := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		_, _ = conn.WriteTo(buffer[:n], from)
	}
}

// check tries all targets at once and prints the outcomes, in the order asked, as one JSON array.
func check(args []string) {
	flags := flag.NewFlagSet("check", flag.ExitOnError)
	timeout := flags.Duration("timeout", 2*time.Second, "limit of each try")
	output := flags.String("output", "", "also write the outcomes to this file, such as /dev/termination-log")
	_ = flags.Parse(args)
	outcomes := make([]Outcome, flags.NArg())
	var wait sync.WaitGroup
	for i, target := range flags.Args() {
		wait.Add(1)
		go func() {
			defer wait.Done()
			outcomes[i] = try(target, *timeout)
		}()
	}
	wait.Wait()
	text, err := json.Marshal(outcomes)
	if err != nil {
		fail(err.Error())
	}
	fmt.Println(string(text))
	if *output != "" {
		if err := os.WriteFile(*output, text, 0o644); err != nil {
			fail(err.Error())
		}
	}
}

func try(target string, timeout time.Duration) Outcome {
	outcome := Outcome{Target: target}
	begin := time.Now()
	kind, rest, _ := strings.Cut(target, ":")
	var err error
	switch kind {
	case "tcp":
		var conn net.Conn
		if conn, err = net.DialTimeout("tcp", rest, timeout); err == nil {
			conn.Close()
		}
	case "udp":
		err = tryUDP(rest, timeout)
	case "dns":
		outcome.Answer, err = resolve(rest, timeout)
	default:
		err = fmt.Errorf("not tcp:, udp: or dns:")
	}
	outcome.Millis = time.Since(begin).Milliseconds()
	outcome.Result = result(err)
	if err != nil {
		outcome.Detail = err.Error()
	}
	return outcome
}

// tryUDP sends a byte and waits for any answer: without one, an open port and a dropped packet look the same.
func tryUDP(address string, timeout time.Duration) error {
	conn, err := net.DialTimeout("udp", address, timeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("?")); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 2048))
	return err
}

// resolve asks the pod's resolver, or the server named after an @, for the IPv4 addresses of a name.
func resolve(question string, timeout time.Duration) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	name, server, given := strings.Cut(question, "@")
	resolver := &net.Resolver{PreferGo: true}
	if given {
		resolver.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, server)
		}
	}
	addresses, err := resolver.LookupNetIP(ctx, "ip4", name)
	answer := make([]string, 0, len(addresses))
	for _, address := range addresses {
		answer = append(answer, address.Unmap().String())
	}
	return answer, err
}

func result(err error) string {
	var unknown *net.DNSError
	var timeout net.Error
	switch {
	case err == nil:
		return "open"
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return "no-such-name"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH),
		errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.ECONNRESET):
		return "refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "silent"
	default:
		return "error"
	}
}
