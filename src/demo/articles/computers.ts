/** Computers and phones: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const computers: readonly ArticleText[] = [
  {
    id: 901,
    title: 'A laptop that became slow',
    body: 'Close what starts by itself with the computer, free a tenth of the disk, and look at which program eats the memory. More RAM and a solid state drive make a machine of eight years feel new. A slow computer is seldom broken; it is short of memory or disk.',
  },
  {
    id: 902,
    title: 'Computer will not start',
    body: 'Hold the power button for twenty seconds, pull every plug but the mains, and try again. Fans that turn with a black screen point to memory or the graphics card; silence points to the power supply. A computer that beeps at the start tells with the beeps which part is broken.',
  },
  {
    id: 903,
    title: 'Blue screen, what now?',
    body: 'Write down the code, take out what you plugged in last, and undo the newest driver. If it crashes without a pattern, test the memory overnight. Error 0x0000007E mostly names a faulty driver. Computers that crash under load are often too hot.',
  },
  {
    id: 904,
    title: 'Fan noise and heat',
    body: 'Dust blocks the cooler. Open the case, hold the fan still, and blow it out with canned air. A notebook on a blanket chokes; a book under the rear edge brings the temperature down. A hot computer slows itself down to protect the processor.',
  },
  {
    id: 905,
    title: 'Replacing a hard disk with an SSD',
    body: 'Clone the old drive to the new one with a free tool, swap them, and start. Keep the old disk untouched for a month as a second copy. Everything opens in a blink. The computer starts in seconds and copies files ten times as fast.',
  },
  {
    id: 907,
    title: 'Backups in three sentences',
    body: 'Three copies, on two kinds of storage, one of them out of the house. Let a program do it every night, since nobody remembers. Restore a file now and then, for only then do you know that it works. Lost files come back only from a backup that exists.',
  },
  {
    id: 908,
    title: 'Deleted photos by mistake',
    body: 'Stop using the card or the disk at once, because new files overwrite the old. Look into the bin and the cloud first, then use recovery software from another drive. Pictures vanished from a phone are often still in its trash for thirty days. Lost pictures are the best reason to begin with regular backups.',
  },
  {
    id: 909,
    title: 'Cloud storage or a drive at home',
    body: 'A service abroad survives fire and theft but wants a monthly fee; a box in the cupboard is fast and yours. Encrypt what is private before it leaves the house. Pictures and documents kept in two places survive the loss of one.',
  },
  {
    id: 910,
    title: 'Running out of disk space',
    body: 'Sort by size: old videos, phone backups and downloads fill most drives. Empty the bin, move films to an external disk, and uninstall games that you finished. Computers with a full disk become slow and refuse updates.',
  },
  {
    id: 912,
    title: 'Passwords that hold',
    body: 'A manager invents and remembers a different password for each site; you remember one long sentence. Change only those that were stolen. Length beats symbols. A stolen login is harmless where each account has a password of its own.',
  },
  {
    id: 913,
    title: 'Two-step login',
    body: 'With a second factor a thief needs your phone as well as your password. An app or a key is better than text messages. Print the recovery codes and put them with your birth certificate. Somebody who stole your password still cannot log in to the account.',
  },
  {
    id: 914,
    title: 'Is this mail a fake?',
    body: "Phishing threatens, hurries, and links to an address that is almost right. Do not click: type the bank's name yourself. Attachments you did not expect stay closed, even from friends. Criminals who send such messages want the login to your bank or mail account.",
  },
  {
    id: 915,
    title: 'I clicked on a phishing link',
    body: 'Disconnect, change the password from another device, and call the bank if you typed card details. Watch your statements for months. Tell the colleagues; the next one got the same message. If they stole the login to your mail, they can reset the password of every other account.',
  },
  {
    id: 916,
    title: 'Virus or not?',
    body: 'Pop-ups that shout about infections are the infection. Real malware is quiet. Scan with what the system brings, remove add-ons that you do not know, and reinstall if in doubt. Criminals earn money with stolen logins and locked files.',
  },
  {
    id: 918,
    title: 'Weak Wi-Fi upstairs',
    body: 'Put the router high, in the middle of the flat and away from the microwave. Concrete and underfloor heating swallow the signal. A second access point on a cable beats every repeater. A wireless connection through two concrete walls is slow and unreliable.',
  },
  {
    id: 919,
    title: 'Internet drops every evening',
    body: 'Note the times, test with a cable, and restart the router. If the wired line fails too, the provider is to blame: send them the log. Neighbours on the same radio channel cause only wireless gaps. An unreliable connection by cable is for the provider to repair; an unreliable wireless one is yours.',
  },
  {
    id: 920,
    title: 'Choosing a router',
    body: 'Buy for the number of devices and the size of the home, not for the figure on the box. Updates for five years matter more than antennas. Change the name and password on the first evening. Old routers make the wireless connection of new phones slow and unreliable.',
  },
  {
    id: 921,
    title: 'Guests on your wireless network',
    body: 'Switch on the guest network: visitors surf, yet cannot see your printer or your files. Lamps and cameras that phone home belong there too. A separate wireless network keeps an infected device away from your computers.',
  },
  {
    id: 923,
    title: 'Phone battery dies by noon',
    body: 'The screen is the greatest eater, followed by apps that look for your position all day. Lower the brightness and check the list in the settings. After five hundred charges a cell holds four fifths; a new one costs less than a new phone. Smartphone batteries drain faster in frost and where the network is weak.',
  },
  {
    id: 924,
    title: 'Charging habits',
    body: 'Lithium cells like to be between a fifth and four fifths full, and cool. Charging overnight does little harm with the limit switched on. Heat on the dashboard ages a battery more than anything. Smartphones and laptops that stay at a hundred per cent in the sun lose battery life fastest.',
  },
  {
    id: 925,
    title: 'A phone that fell into water',
    body: 'Switch it off, dry it with a cloth, and leave it open in moving air for two days. Rice only adds dust. Do not charge it before that, as current and water eat the contacts. Smartphones that are sealed survive rain, but the seals age.',
  },
  {
    id: 926,
    title: 'Cracked screen',
    body: 'A film holds the splinters until the repair. Ask for the price with an original display, make a backup, and remove the lock code. Below half the price of the phone, mending pays. Smartphones in a case with a raised edge survive most falls.',
  },
  {
    id: 927,
    title: 'Moving to a new mobile',
    body: 'Update both devices, lay them side by side, and let the assistant copy contacts, pictures and messages. Move the banking app by its own method before you wipe the old handset. Smartphones of different makers need a cable or an app for the transfer.',
  },
  {
    id: 929,
    title: 'Printer offline again',
    body: "Turn printer and computer off, then on in that order. Delete the queue, check that both are in the same wireless network, and give the printer a fixed address. Drivers from the maker's site beat those from the disc. Printers on a cable are offline less often than wireless ones.",
  },
  {
    id: 930,
    title: 'Keyboard shortcuts worth learning',
    body: 'Copy, paste and undo are known; search on the page, switch window and reopen a closed tab save more. Learn one a week. Computer work goes faster without reaching for the mouse.',
  },
  {
    id: 931,
    title: 'Update or wait?',
    body: 'Security updates the same day, large new versions after a month. Read whether your printer still works, make a backup, and plug in the mains. Computers without updates are what criminals look for.',
  },
  {
    id: 932,
    title: 'Error E-2047 on the home media player',
    body: "The box shows E-2047 when its certificate has run out. Set date and time by hand, restart, and install firmware 3.1 or later from a USB stick. The connection to the maker's server fails until then, and no film starts.",
  },
  {
    id: 933,
    title: 'Backup plan, unfinished',
    body: 'To do: say which program makes the nightly backup, and how to restore a disk from the cloud.',
    status: 'draft',
  },
];
