<?php
// The steps of server.py, of which STEPS has wait and burn: STEPS=wait=50 php -S 127.0.0.1:PORT server.php
if ($_SERVER["REQUEST_URI"] == "/work") {
    foreach (explode(" ", getenv("STEPS")) as $step) {
        [$name, $value] = explode("=", $step);
        if ($name == "wait") usleep($value * 1000);
        if ($name == "burn") for ($i = 0; $i < $value * 100000; ++$i);
    }
}
echo "ok";
