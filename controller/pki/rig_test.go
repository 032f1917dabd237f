package pki

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
)

// memory keeps keys and records; both are facts of one test.
type memory struct {
	mu    sync.Mutex
	files map[string][]byte
	certs map[string]Certificate
	fails error // of SaveCertificate
}

func newMemory() *memory { return &memory{files: map[string][]byte{}, certs: map[string]Certificate{}} }

func (m *memory) Load(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return data, nil
}

func (m *memory) Save(name string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[name] = slices.Clone(data)
	return nil
}

func (m *memory) SaveCertificate(_ context.Context, c Certificate) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails != nil {
		return m.fails
	}
	m.certs[c.Serial] = c
	return nil
}

func (m *memory) Certificates(context.Context) ([]Certificate, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.certs)), nil
}

func openCA(t *testing.T, m *memory) *Authority {
	t.Helper()
	ca, err := Open(t.Context(), Config{Keys: m, Ledger: m, Site: "depot1", Operator: "Depot North"})
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func names() Names {
	return Names{DNS: []string{"box.lan", "box"}, IPs: []net.IP{net.IPv4(10, 0, 0, 2), net.IPv4(127, 0, 0, 1)}}
}

func newBox(t *testing.T, ca *Authority, names func() Names) *Server {
	t.Helper()
	s, err := NewServer(ca, names, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func key(t *testing.T, alg Algorithm) crypto.Signer {
	t.Helper()
	k, err := newKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// csr is a charger's request.
func csr(t *testing.T, k crypto.Signer, name string, org ...string) string {
	t.Helper()
	return csrOf(t, k, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name, Organization: org}})
}

func csrOf(t *testing.T, k crypto.Signer, template *x509.CertificateRequest) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// leaf is the first certificate of a chain in PEM.
func leaf(t *testing.T, chain string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(chain))
	if block == nil {
		t.Fatal("no PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	return block.Bytes
}

func armour(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}
