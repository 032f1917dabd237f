package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"busbar/controller/appliance"
	"busbar/controller/store"
)

// serveCmd is the box in service.
type serveCmd struct {
	Data   string `required:"" help:"Folder of the database; made if it does not exist."`
	Config string `help:"The site.yaml that manages the configuration."`
	// ShowTokens leaves idTokens in the log of OCPP calls as they are, for admins.
	ShowTokens bool `name:"show-id-tokens" help:"Show idTokens in full to admins in the log of OCPP calls."`
}

// Run serves until the context ends.
func (c serveCmd) Run(ctx context.Context, con console) error {
	if c.Config == "" {
		return refused("there is no configuration", "Write one (busbar config example > site.yaml) and give it with --config.")
	}
	cfg, err := readConfig(c.Config, con.In)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("cannot make the data folder: %w", err)
	}
	token, fresh, err := tokenOf(c.Data)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(con.Err, &slog.HandlerOptions{Level: slog.LevelInfo}))
	box, err := appliance.New(ctx, appliance.Options{Config: cfg, DataDir: c.Data, Version: readBuild().Version, Token: token, ShowTokens: c.ShowTokens, Control: true, Logger: log})
	switch {
	case errors.Is(err, store.ErrLocked):
		return refused(err.Error(), "Another busbar serves this folder; stop it first.")
	case errors.Is(err, store.ErrNewer):
		return refused(err.Error(), "Install the newer version again, or restore a backup of the older one.")
	case err != nil:
		return err
	}
	for _, name := range []string{"chargers", "chargers-tls", "chargers-mtls", "page"} {
		if addr := box.Addr(name); addr != nil {
			fmt.Fprintf(con.Out, "%s: %s\n", name, addr)
		}
	}
	if fresh {
		fmt.Fprintf(con.Out, "token: written to %s\n", filepath.Join(c.Data, tokenFile))
	}
	return box.Run(ctx)
}

// tokenFile holds the bearer token of the page and the API, made at the first start.
const tokenFile = "token"

// tokenOf reads the token of a data folder, or makes one; there is no default.
func tokenOf(dir string) (token string, fresh bool, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", false, fmt.Errorf("cannot open the data folder: %w", err)
	}
	defer root.Close()
	text, err := root.ReadFile(tokenFile)
	if err == nil && strings.TrimSpace(string(text)) != "" {
		return strings.TrimSpace(string(text)), false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("cannot read the token: %w", err)
	}
	token = rand.Text()
	if err := root.WriteFile(tokenFile, []byte(token+"\n"), 0o600); err != nil {
		return "", false, fmt.Errorf("cannot write the token: %w", err)
	}
	return token, true, nil
}
