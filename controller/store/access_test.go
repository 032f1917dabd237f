package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"busbar/controller"
)

func (b *box) tokens() *AccessTokens {
	b.t.Helper()
	a, err := b.AccessTokens(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

func forAnna(role controller.Role) controller.AccessToken {
	return controller.AccessToken{Name: "Anna's laptop", Role: role, CreatedBy: "root", ExpiresAt: time.Now().Add(time.Hour)}
}

func TestAccessTokensOutliveARestartAsHashesOnly(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Options{})
	a := b.tokens()
	token, made, err := a.Create(t.Context(), forAnna(controller.RoleOperator))
	if err != nil || !strings.HasPrefix(token, "busbar_") || len(token) < 30 || made.ID == "" || made.Role != controller.RoleOperator {
		t.Fatalf("%q %+v %v", token, made, err)
	}
	if _, ok := a.Find(token + "x"); ok {
		t.Error("another token is found")
	}
	if got, ok := a.Find(token); !ok || got.ID != made.ID || got.LastUsed.IsZero() {
		t.Errorf("got %+v %v", got, ok)
	}
	used := a.List()[0].LastUsed
	b.stop()
	for _, name := range []string{journalFile, journalFile + "-wal"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil && bytes.Contains(data, []byte(strings.TrimPrefix(token, "busbar_"))) {
			t.Errorf("%s holds the token itself", name)
		}
	}

	again := open(t, dir, Options{})
	kept := again.tokens()
	list := kept.List()
	if len(list) != 1 {
		t.Fatalf("got %+v", list)
	}
	made.LastUsed = used.Truncate(time.Millisecond)
	if d := cmp.Diff(made, list[0]); d != "" {
		t.Error(d)
	}
	if _, ok := kept.Find(token); !ok {
		t.Error("the token is forgotten")
	}
	if gone, ok, err := kept.Revoke(t.Context(), made.ID); !ok || err != nil || gone.Name != made.Name {
		t.Errorf("revoke: %+v %v %v", gone, ok, err)
	}
	if _, ok := kept.Find(token); ok {
		t.Error("a revoked token is found")
	}
	if _, ok, err := kept.Revoke(t.Context(), made.ID); ok || err != nil {
		t.Errorf("revoked again: %v %v", ok, err)
	}
	again.stop()
	if list := open(t, dir, Options{}).tokens().List(); len(list) != 0 {
		t.Errorf("came back: %+v", list)
	}
}

func TestAccessTokensNeedAllTheyAreMadeOf(t *testing.T) {
	a := open(t, t.TempDir(), Options{Synchronous: SyncOff}).tokens()
	for _, spoil := range []func(*controller.AccessToken){
		func(t *controller.AccessToken) { t.Name = "" },
		func(t *controller.AccessToken) { t.Role = "root" },
		func(t *controller.AccessToken) { t.ExpiresAt = time.Time{} },
	} {
		spec := forAnna(controller.RoleViewer)
		spoil(&spec)
		if token, _, err := a.Create(t.Context(), spec); err == nil || token != "" {
			t.Errorf("%+v: made", spec)
		}
	}
}

func TestAccessTokensAreBounded(t *testing.T) {
	a := open(t, t.TempDir(), Options{Synchronous: SyncOff}).tokens()
	old := forAnna(controller.RoleViewer)
	old.ExpiresAt = time.Now().Add(-expiredKept - time.Hour)
	if _, _, err := a.Create(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	for range mostTokens {
		if _, _, err := a.Create(t.Context(), forAnna(controller.RoleViewer)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := a.Create(t.Context(), forAnna(controller.RoleViewer)); !errors.Is(err, ErrTooManyTokens) {
		t.Errorf("one more: %v", err)
	}
	if n := len(a.List()); n != mostTokens {
		t.Errorf("%d are listed", n)
	}
}

func TestAccessTokensAtOnce(t *testing.T) {
	a := open(t, t.TempDir(), Options{Synchronous: SyncOff}).tokens()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			spec := forAnna(controller.RoleViewer)
			spec.Name = fmt.Sprint(i)
			token, made, err := a.Create(t.Context(), spec)
			if err != nil {
				t.Error(err)
				return
			}
			for range 50 {
				if got, ok := a.Find(token); !ok || got.Name != spec.Name {
					t.Error("not found")
				}
				a.List()
			}
			if _, ok, err := a.Revoke(t.Context(), made.ID); !ok || err != nil {
				t.Error(ok, err)
			}
		})
	}
	wg.Wait()
	if n := len(a.List()); n != 0 {
		t.Errorf("%d are left", n)
	}
}

func TestAccessTokensAfterAFailure(t *testing.T) {
	b := open(t, t.TempDir(), Options{Synchronous: SyncOff})
	a := b.tokens()
	token, made, err := a.Create(t.Context(), forAnna(controller.RoleViewer))
	if err != nil {
		t.Fatal(err)
	}
	b.fail(errors.New("disk on fire"))
	if _, _, err := a.Create(t.Context(), forAnna(controller.RoleViewer)); !errors.Is(err, ErrFailed) {
		t.Errorf("create: %v", err)
	}
	if _, _, err := a.Revoke(t.Context(), made.ID); !errors.Is(err, ErrFailed) {
		t.Errorf("revoke: %v", err)
	}
	if _, ok := a.Find(token); ok {
		t.Error("a token that was to end is of use")
	}
}
