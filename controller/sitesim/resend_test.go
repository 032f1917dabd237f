package sitesim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
)

// TestParkedMessagesGoOutAgainOverTheAPI: the cloud refuses meter values for good, their
// transactions are parked, the operator sends them again when the cloud is mended.
func TestParkedMessagesGoOutAgainOverTheAPI(t *testing.T) {
	during(t, Scenario{Chargers: 4, Seed: 2, Sessions: Sessions{PlugWithin: 20 * time.Second, Short: 4 * time.Minute, Long: 6 * time.Minute, Pause: time.Minute}}, func(t *testing.T, w *World) {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return w.env.Network.Dial(ctx, network, w.env.UI)
		}}}
		ask := func(method, path string, into any) int {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+apiToken)
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode == http.StatusOK && json.Unmarshal(text, into) != nil {
				t.Fatalf("%s: %v %s", path, err, text)
			}
			return resp.StatusCode
		}
		type outbox struct {
			Parked int
			Lanes  []struct{ Transaction int64 } `json:"parked_transactions"`
		}
		alarmed := func(tx int64) bool {
			return slices.ContainsFunc(w.Box().Snapshot().Alarms, func(a controller.Alarm) bool { return a.Code == "outbox.parked" && a.Subject == fmt.Sprint(tx) })
		}
		time.Sleep(30 * time.Second)
		w.cloud.Refuse("MeterValues", true)
		time.Sleep(30 * time.Minute)
		var parked outbox
		if ask("GET", "/api/v1/outbox", &parked); len(parked.Lanes) == 0 || parked.Parked == 0 || !alarmed(parked.Lanes[0].Transaction) {
			t.Fatalf("nothing is parked: %+v", parked)
		}
		w.cloud.Refuse("MeterValues", false)
		for _, l := range parked.Lanes {
			var done struct{ Messages int }
			if code := ask("POST", fmt.Sprintf("/api/v1/outbox/%d/resend", l.Transaction), &done); code != 200 || done.Messages == 0 {
				t.Errorf("transaction %d: %d, %d messages", l.Transaction, code, done.Messages)
			}
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		var after outbox
		if ask("GET", "/api/v1/outbox", &after); after.Parked != 0 {
			t.Errorf("still parked: %+v", after)
		}
		for _, l := range parked.Lanes {
			if alarmed(l.Transaction) {
				t.Errorf("the alarm of transaction %d stays", l.Transaction)
			}
		}
	})
}
