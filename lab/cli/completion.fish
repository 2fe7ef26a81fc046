# fish completion for lab and labw; made by: lab completion fish
function __lab_ask
  set -l words (commandline -opc) (commandline -ct)
  set -l program (string replace -r '^(~|\$HOME)/' $HOME/ -- $words[1])
  set program (command -s $program); or return
  if string match -qr '(^|/)labw$' -- $program
    set program (dirname (realpath $program))/build/release/bin/lab
    test -x $program; or return
  end
  $program completion words -- $words[2..-1] 2>/dev/null
end
function __lab_wants_files
  __lab_ask | string match -q :files
end
complete -c lab -c labw -f -a '(__lab_ask | string match -v ":*")'
complete -c lab -c labw -n __lab_wants_files -F
