package upstream

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// key is one configuration key of the station (ocpp-gateway 8.1).
type key struct {
	name    string
	value   func(*controller.Snapshot) string // nil: what was set, else initial
	initial string
	accepts accept // nil: read-only
	later   bool   // a change takes effect with the next connection
}

// accept gives a value the form in which it is kept; ok is false if it can't be.
type accept func(string) (canonical string, ok bool)

// The limits of the station's own profile store.
const (
	maxStackLevel = 99
	maxPeriods    = 1024
)

// keys are in the order in which GetConfiguration without keys lists them.
var keys = []key{
	{name: controller.SettingAllowOfflineUnknown, initial: "false", accepts: isBool},
	{name: controller.SettingCacheEnabled, initial: "true", accepts: isBool},
	{name: controller.SettingAuthorizeRemote, initial: "false", accepts: isBool},
	{name: "ChargeProfileMaxStackLevel", initial: strconv.Itoa(maxStackLevel)},
	{name: "ChargingScheduleAllowedChargingRateUnit", initial: "Current,Power"},
	{name: "ChargingScheduleMaxPeriods", initial: strconv.Itoa(maxPeriods)},
	{name: "ClockAlignedDataInterval", initial: "0"},
	{name: "ConnectionTimeOut", initial: "60"},
	{name: "ConnectorPhaseRotation", value: phaseRotation},
	{name: "GetConfigurationMaxKeys", initial: "100"},
	{name: keyHeartbeat, initial: "300", accepts: isInt(1, 86400)},
	{name: controller.SettingLocalAuthorizeOffline, initial: "true", accepts: isBool},
	{name: "LocalPreAuthorize", initial: "false"},
	{name: "MaxChargingProfilesInstalled", value: func(s *controller.Snapshot) string { return strconv.Itoa(10 * len(s.Connectors)) }},
	{name: keyMessageTimeout, initial: "30", accepts: isInt(1, 600)},
	{name: controller.SettingSampleInterval, initial: "60", accepts: isInt(0, 86400)},
	{name: "MeterValuesAlignedData", initial: ""},
	{name: "MeterValuesSampledData", initial: "Energy.Active.Import.Register,Current.Import,Power.Active.Import,SoC"},
	{name: "NumberOfConnectors", value: func(s *controller.Snapshot) string { return strconv.Itoa(len(s.Connectors)) }},
	{name: "ResetRetries", initial: "0"},
	{name: "StopTransactionOnEVSideDisconnect", initial: "true"},
	{name: controller.SettingStopOnInvalid, initial: "true", accepts: isBool},
	{name: "StopTxnAlignedData", initial: ""},
	{name: "StopTxnSampledData", initial: ""},
	{name: "SupportedFeatureProfiles", initial: "Core,SmartCharging,RemoteTrigger"},
	{name: keyAttempts, initial: "3", accepts: isInt(1, 100)},
	{name: keyRetryInterval, initial: "60", accepts: isInt(1, 86400)},
	{name: "UnlockConnectorOnEVSideDisconnect", initial: "true"},
	{name: keyPing, initial: "30", accepts: isInt(0, 3600), later: true},
}

const (
	keyHeartbeat      = "HeartbeatInterval"
	keyPing           = "WebSocketPingInterval"
	keyMessageTimeout = "MessageTimeout"
	keyAttempts       = "TransactionMessageAttempts"
	keyRetryInterval  = "TransactionMessageRetryInterval"
)

func isBool(v string) (string, bool) {
	v = strings.ToLower(v)
	return v, v == "true" || v == "false"
}

func isInt(least, most int) accept {
	return func(v string) (string, bool) {
		n, err := strconv.Atoi(v)
		return strconv.Itoa(n), err == nil && n >= least && n <= most
	}
}

func findKey(name string) (key, bool) {
	for _, k := range keys {
		if strings.EqualFold(k.name, name) { // 1.6 key names are case-insensitive
			return k, true
		}
	}
	return key{}, false
}

func (k key) read(snap *controller.Snapshot) string {
	if k.value != nil {
		return k.value(snap)
	}
	if v, ok := snap.Settings[k.name]; ok {
		return v
	}
	return k.initial
}

// settings bridge the moment until a change shows in the snapshot: what was accepted
// is what the next question gets.
type settings struct {
	mu      sync.Mutex
	changed map[string]change
}

type change struct {
	value string
	at    time.Time
}

func (s *settings) set(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = map[string]change{}
	}
	s.changed[name] = change{value, time.Now()}
}

func (s *settings) read(k key, snap *controller.Snapshot) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.changed[k.name]; ok && !snap.At.After(c.at) {
		return c.value
	}
	delete(s.changed, k.name)
	return k.read(snap)
}

// phaseRotation lists the wiring in the words of 16§9.1.6: RST is L1L2L3.
func phaseRotation(snap *controller.Snapshot) string {
	letters := strings.NewReplacer("L1", "R", "L2", "S", "L3", "T")
	words := []string{"0.RST"}
	size := len(words[0])
	for _, c := range snap.Connectors {
		rotation := "Unknown"
		if w := letters.Replace(c.Phases); len(w) == 3 {
			rotation = w
		} else if c.Phases != "" {
			rotation = "NotApplicable"
		}
		word := fmt.Sprintf("%d.%s", c.Slot, rotation)
		if size += len(word) + 1; size > 500 {
			break
		}
		words = append(words, word)
	}
	return strings.Join(words, ",")
}

func (s *Station) getConfiguration(_ context.Context, _ *ocpp.Conn, req ocpp16.GetConfigurationRequest, _ *ocpp.Request) (ocpp16.GetConfigurationResponse, error) {
	snap := s.cfg.Loop.Snapshot()
	var resp ocpp16.GetConfigurationResponse
	add := func(k key) {
		resp.ConfigurationKey = append(resp.ConfigurationKey, ocpp16.KeyValue{Key: k.name, Readonly: k.accepts == nil, Value: new(clip(s.settings.read(k, snap), 500))})
	}
	if len(req.Key) == 0 {
		for _, k := range keys {
			add(k)
		}
		return resp, nil
	}
	for _, name := range req.Key {
		if k, ok := findKey(name); ok {
			add(k)
		} else {
			resp.UnknownKey = append(resp.UnknownKey, name)
		}
	}
	return resp, nil
}

func (s *Station) changeConfiguration(ctx context.Context, _ *ocpp.Conn, req ocpp16.ChangeConfigurationRequest, _ *ocpp.Request) (ocpp16.ChangeConfigurationResponse, error) {
	k, ok := findKey(req.Key)
	if !ok {
		return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusNotSupported}, nil
	}
	rejected := ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusRejected}
	if k.accepts == nil {
		return rejected, nil
	}
	value, ok := k.accepts(req.Value)
	if !ok {
		return rejected, nil
	}
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.SettingChanged{Reply: id, Key: k.name, Value: value}
	})
	if err != nil || a.Status != "Accepted" {
		return rejected, nil
	}
	s.settings.set(k.name, value)
	signal(s.kick)
	if k.later {
		return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusRebootRequired}, nil
	}
	return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusAccepted}, nil
}

// number is a key's value, which accepts has checked when it was set.
func (s *Station) number(name string) int64 {
	k, _ := findKey(name)
	n, err := strconv.ParseInt(s.settings.read(k, s.cfg.Loop.Snapshot()), 10, 64)
	if err != nil {
		n, _ = strconv.ParseInt(k.initial, 10, 64)
	}
	return n
}

func (s *Station) seconds(name string) time.Duration {
	return time.Duration(s.number(name)) * time.Second
}

func (s *Station) pingInterval() time.Duration {
	if d := s.seconds(keyPing); d > 0 {
		return d
	}
	return -1
}
