package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rule says which of our packages a package may import, and why. A path ending
// in "/..." stands for itself and all below. An entry may import itself and below.
type rule struct {
	pkg   string
	allow []string
	why   string
}

// The most specific rule that matches a package holds. Test files may import any
// simulator beside what their package may.
var imports = []rule{
	{"cmd/busbar", []string{"controller/appliance", "controller/sitesim/...", "controller/msgbench", "controller/trial", "controller/config", "controller/store", "controller/commission", "controller", "ocpp/...", "devices/...", "web", "loadbalance/..."}, "the binary parses flags and wires; it may see all but decides nothing"},
	{"loadbalance", nil, "load management is pure and knows nothing of a site"},
	{"ocpp", nil, "the OCPP-J library knows nothing of a site"},
	{"ocpp/ocppsim", []string{"ocpp/..."}, "simulated chargers and clouds speak only OCPP"},
	{"devices", nil, "devices know nothing of a site"},
	{"devices/devicesim", []string{"devices/..."}, "simulated devices speak only their protocol"},
	{"controller", []string{"loadbalance/...", "controller/config"}, "the domain is pure: no protocol, no file, no page"},
	{"controller/trial", []string{"controller", "loadbalance"}, "a trial drives a Site and knows no adapter"},
	{"controller/config", []string{"loadbalance"}, "a configuration is a value"},
	{"controller/pki", nil, "certificates know nothing of a site"},
	{"controller/adoption", []string{"controller", "controller/pki", "loadbalance", "ocpp/..."}, "adapters never import each other"},
	{"controller/store", []string{"controller", "controller/config", "loadbalance"}, "adapters never import each other"},
	{"controller/commission", []string{"controller", "loadbalance", "ocpp/..."}, "a probe asks one charger and knows no socket"},
	{"controller/ocpplog", []string{"ocpp"}, "the log of messages knows frames and nothing of a site"},
	{"controller/downstream", []string{"controller", "controller/config", "loadbalance", "ocpp/..."}, "adapters never import each other"},
	{"controller/upstream", []string{"controller", "controller/config", "loadbalance", "ocpp/..."}, "adapters never import each other"},
	{"web", []string{"controller", "controller/config", "loadbalance"}, "pages read snapshots and send commands"},
	{"controller/appliance", []string{"controller/...", "devices/...", "ocpp/...", "web/...", "loadbalance/..."}, "the one place that wires everything"},
	{"controller/sitesim", []string{"controller/...", "devices/...", "ocpp/...", "web/...", "loadbalance/..."}, "the whole site in one process"},
	{"controller/msgbench", []string{"controller/appliance", "controller/config", "devices/...", "ocpp/ocppload"}, "a benchmark starts the whole box and loads it from outside"},
	{"ocpp/ocppload", nil, "load knows frames, not their meaning"},
	{"controller/sitesim/memnet", nil, "a network in memory"},
}

// simulators may be imported by every test.
var simulators = []string{"busbar/ocpp/ocppsim", "busbar/devices/devicesim", "busbar/controller/sitesim", "busbar/controller/sitesim/memnet"}

// testsAlso are packages that the tests of one package may import, too.
var testsAlso = map[string][]string{
	"controller/adoption": {"busbar/controller/downstream", "busbar/controller/store"}, // real handshakes, real files
	"controller/upstream": {"busbar/controller/store"},                                 // order and bytes are proven with the real outbox
}

// confined libraries live behind one package each.
var confined = map[string]string{
	"github.com/gorilla/websocket":        "ocpp",
	"modernc.org/sqlite":                  "controller/store",
	"github.com/pressly/goose/v3":         "controller/store",
	"github.com/eclipse/paho.mqtt.golang": "devices/mqtt",
	"github.com/goburrow/modbus":          "devices/modbus",
	"github.com/goburrow/serial":          "devices/modbus",
	"github.com/a-h/templ":                "web",
	"github.com/goccy/go-yaml":            "controller/config",
}

type source struct {
	pkg  string // folder relative to the root
	path string
	test bool
	file *ast.File
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("go.mod not found above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
}

func sources(t *testing.T) []source {
	t.Helper()
	top := root(t)
	var out []source
	fset := token.NewFileSet()
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if path != top && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "tools") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, filepath.Dir(path))
		if err != nil {
			return err
		}
		out = append(out, source{pkg: filepath.ToSlash(rel), path: path, test: strings.HasSuffix(path, "_test.go"), file: f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("only %d Go files found: the walk is broken", len(out))
	}
	return out
}

func ruleOf(pkg string) (rule, bool) {
	var best rule
	found := false
	for _, r := range imports {
		if (pkg == r.pkg || strings.HasPrefix(pkg, r.pkg+"/")) && (!found || len(r.pkg) > len(best.pkg)) {
			best, found = r, true
		}
	}
	return best, found
}

func matches(pkg, pattern string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == below || strings.HasPrefix(pkg, below+"/")
	}
	return pkg == pattern
}

func TestImportsFollowTheArchitecture(t *testing.T) {
	for _, s := range sources(t) {
		r, ok := ruleOf(s.pkg)
		for _, spec := range s.file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			for lib, home := range confined {
				if (path == lib || strings.HasPrefix(path, lib+"/")) && s.pkg != home && !strings.HasPrefix(s.pkg, home+"/") && !s.test {
					t.Errorf("%s imports %s, which is confined to %s", s.path, path, home)
				}
			}
			ours, isOurs := strings.CutPrefix(path, "busbar/")
			if !isOurs {
				continue
			}
			if !ok {
				t.Errorf("%s: package %s has no import rule; add one with its reason", s.path, s.pkg)
				continue
			}
			if !allowed(s, r, ours, path) {
				t.Errorf("%s imports %s: not allowed for %s (%s)", s.path, path, r.pkg, r.why)
			}
		}
	}
}

func allowed(s source, r rule, ours, path string) bool {
	if ours == r.pkg || strings.HasPrefix(ours, r.pkg+"/") && r.pkg != "controller" {
		return true
	}
	for _, a := range r.allow {
		if matches(ours, a) {
			return true
		}
	}
	if s.test {
		if ours == s.pkg {
			return true
		}
		if slices.Contains(append(testsAlso[s.pkg], simulators...), path) {
			return true
		}
	}
	return false
}

func TestEveryPackageIsDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		documented[s.pkg] = documented[s.pkg] || s.file.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no doc comment: say its owner, units, concurrency and what it must not know", pkg)
		}
	}
}

func TestNoInitFunctions(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function: wire it explicitly", s.path)
			}
		}
	}
}

// TestNoSleepInTestsOutsideABubble allows time.Sleep only in test files that use
// testing/synctest, where it is virtual.
func TestNoSleepInTestsOutsideABubble(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test || usesSynctest(s.file) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
					t.Errorf("%s sleeps in real time: wait for a condition instead, or use a synctest bubble", s.path)
				}
			}
			return true
		})
	}
}

func usesSynctest(f *ast.File) bool {
	for _, spec := range f.Imports {
		if spec.Path.Value == `"testing/synctest"` {
			return true
		}
	}
	return false
}
