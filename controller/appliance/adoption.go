package appliance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"busbar/controller"
	"busbar/controller/adoption"
	"busbar/controller/store"
)

// Adoption lets chargers in and keeps their keys.
func (b *Box) Adoption() *adoption.Service { return b.adoption }

// wireAdoption makes the guard of the chargers' ports.
func (b *Box) wireAdoption(ctx context.Context, chargers []adoption.Charger) error {
	cfg := b.opts.Config
	a := adoption.Config{
		Vault: vault{b.store}, Chargers: chargers, Onboarding: string(cfg.Onboarding),
		Isolated: !cfg.ChargerNetwork.Isolated.IsZero(), Plain: cfg.PlainAddress() != "",
		URL: b.chargerURL, Known: b.knows, Decide: b.decide, Audit: b.audited, Logger: b.log,
	}
	if b.ca != nil {
		a.Authority = b.ca
	}
	if !a.Plain {
		a.OpenPlain = b.openPlain
	}
	service, err := adoption.New(ctx, a)
	if err != nil {
		return err
	}
	b.adoption = service
	return nil
}

// knows tells whether the Site has a charger.
func (b *Box) knows(id string) bool {
	for _, c := range b.loop.Snapshot().Chargers {
		if string(c.Station) == id {
			return true
		}
	}
	return false
}

// decide tells the Site about a charger at the door.
func (b *Box) decide(ctx context.Context, station string, approve bool) error {
	body, err := b.Ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.ApproveRequested{Reply: id, Station: controller.StationID(station), Approve: approve}
	})
	if err != nil {
		return err
	}
	if answer, ok := body.(controller.CommandAnswer); ok && answer.Status != "Accepted" {
		return fmt.Errorf("cannot change who is let in: %s", answer.Reason)
	}
	return nil
}

func (b *Box) audited(ctx context.Context, e adoption.Entry) error {
	_, err := b.Ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.Audited{Reply: id, By: e.By, Code: e.Code, Subject: cmp.Or(e.Station, "chargers"), Text: e.Text}
	})
	return err
}

// chargerURL is where chargers of a profile connect, without the identity.
func (b *Box) chargerURL(profile int) string {
	scheme, door := "wss", doorTLS
	switch profile {
	case 0, 1:
		scheme, door = "ws", doorPlain
	case 3:
		door = doorCertificate
	}
	addr, ok := b.Addr(door).(*net.TCPAddr)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s://%s:%d/ocpp", scheme, names(b.opts.Config.ChargerNetwork.Name).DNS[0], addr.Port)
}

// temporary is a port that serves until it is closed.
type temporary struct {
	cancel context.CancelFunc
	done   chan error
}

// Close ends the port; its connections are their owner's business.
func (t temporary) Close() error {
	t.cancel()
	if err := <-t.done; err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// openPlain opens the port without TLS for a pairing window.
func (b *Box) openPlain() (io.Closer, error) {
	addr := b.opts.Config.PairingAddress()
	l, err := b.opts.Network.Listen(addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for chargers on %s: %w", addr, err)
	}
	ctx, cancel := context.WithCancel(context.Background()) // until Close
	t := temporary{cancel: cancel, done: make(chan error, 1)}
	go func() {
		t.done <- serve(ctx, b.hub.Listen(l, nil), b.hub.Port(1), func(context.Context) error { return nil })
	}()
	return t, nil
}

// kindCredential are the documents of the chargers' credentials.
const kindCredential = "credential"

// vault keeps the chargers' credentials in the database.
type vault struct{ store *store.Store }

var _ adoption.Vault = vault{}

// SaveCredential implements adoption.Vault.
func (v vault) SaveCredential(ctx context.Context, c adoption.Credential) error {
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("cannot keep a credential: %w", err)
	}
	return v.store.SaveDocument(ctx, kindCredential, c.Station, string(body))
}

// DeleteCredential implements adoption.Vault.
func (v vault) DeleteCredential(ctx context.Context, station string) error {
	return v.store.DeleteDocument(ctx, kindCredential, station)
}

// Credentials implements adoption.Vault.
func (v vault) Credentials(ctx context.Context) ([]adoption.Credential, error) {
	documents, err := v.store.Documents(ctx, kindCredential)
	if err != nil {
		return nil, err
	}
	out := make([]adoption.Credential, 0, len(documents))
	for station, body := range documents {
		var c adoption.Credential
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			return nil, fmt.Errorf("cannot read the credential of %s: %w", station, err)
		}
		out = append(out, c)
	}
	return out, nil
}
