// CoreDNS with the few plugins that a ground needs.
//
// The stock main package imports every plugin, the SDKs of several clouds included, and takes minutes to build;
// this one is the same server with a short list. Plugins run in the order of dnsserver.Directives, whatever the
// order in the Corefile is. It is the stock order but for one: template comes after hosts, so that a zone can
// answer NXDOMAIN for every name that the hosts file does not have.
package main

import (
	"slices"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() {
	order := slices.DeleteFunc(dnsserver.Directives, func(name string) bool { return name == "template" })
	dnsserver.Directives = slices.Insert(order, slices.Index(order, "hosts")+1, "template")
	coremain.Run()
}
