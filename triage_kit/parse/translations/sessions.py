# ruff: noqa: RUF001 tables of words
"""How translated messages begin: connections and how they end."""

from __future__ import annotations

# subject of messages.TABLE, then one beginning a line.
TABLE = r"""
connection_authenticated
    Verbindung authe
    anslutning auten
    conexión autenti
    connessione aute
    connexion authen
    підключення авте
    соединение аутен
    მიერთება ავთენტი
    接続認証完了: 識別名="%"
    연결 인증됨: 식별자="%"
connection_authorized
    bağlantı tanımı: kullanıcı=
    conexão autorizada: usu
    Replikationsverb
    Verbindung autor
    anslutning aukto
    conexión autoriz
    conexión de repl
    connessione auto
    connessione di r
    connexion autori
    connexion de rép
    replikeringsansl
    подключение авто
    подключение для
    підключення авто
    підключення для
    რეპლიკაციის შეერ
    შეერთება ავტორიზ
    レプリケーション接続の認証完了:
    复制连接已经授权:  user=
    复制连接已经授权: user=%
    复制连接已经授权: 用户=%
    已授权连接 : user=%
    已授权连接: user=% d
    已授权连接: 主机=% 数据库
    接続の認証完了: ユーザー=%
    복제 연결 인증: user=%
    연결 인증: user=%
connection_received
    bağlantı alındı: istemci=
    Verbindung empfa
    ansluting mottag
    conexión recibid
    connessione rice
    connexion reçue
    з'єднання отрима
    принято подключе
    შემოსული დაკავში
    已接收到连接: 主机=%
    已接收到连接: 主机=% 端口
    接続を受け付けました: ホスト=
    접속 수락: host=%
    접속 수락: host=% p
disconnection
    bağlantı bitti: oturum
    desconexão: tempo
    rozłączenie: czas
    Verbindungsende:
    desconexión: dur
    disconnessione:
    déconnexion : du
    nedkoppling: ses
    відключення: час
    отключение: врем
    接続を切断: セッション時間:
    断开连接: 会话时间: %:%
    연결종료: 세션 시간: %:
administrator_ended
    yönetici talimatı doğrultusunda bağlantı
    terminando conexão por causa de um comando
    zakończono połączenie na skutek polecenia
    Autovacuum-Proze
    Verbindung wird abgebrochen aufgrund von Anweisung des Admin
    WAL-Receiver-Prozess wird abgebrochen au
    arrêt des connexions suite à la demande
    arrêt du processus aut
    arrêt du processus walreceiver suite à la demande de l'admin
    avslutar anslutning på grund av ett admi
    avslutar autovac
    avslutar wal-mottagarp
    interruzione del processo au
    interruzione del processo walreceiver su
    interruzione della connessione su comand
    terminando el proceso autova
    terminando el proceso walreceiver debido a una orden del adm
    terminando la conexión debido a una orden del administrador
    walreceiver პროგრამის შეწყვეტა ადმინისტრ
    завершение процесса сч
    завершення процесу walreceiver по команд
    завершення процесу авт
    завершення підключення по ко
    закрытие подключения п
    прекращение проц
    ავტომომტვერსასრუტების პროცეს
    მიერთების შეწყვეტა ადმ
    由于管理员命令中断autovac
    由于管理员命令中断walrece
    由于管理员命令中断联接
    管理者コマンドにより WAL 受
    管理者コマンドにより接続を終了し
    管理者コマンドにより自動VACU
    관리자 명령으로 인해 WAL
    관리자 명령으로 인해 자동 청
    관리자 요청에 의해서 연결을
session_lost_to_crash
    diğer aktif sunucu sürecinin durması
    finalizando conexão por causa de uma queda
    zakończenie połączenia spowodowane awarią
    Verbindung wird abgebrochen wegen Abstur
    arrêt de la connexion à cause de l'arrêt
    avbryter anslutn
    la connessione è stata terminata a causa del crash di un alt
    terminando la conexión debido a una fall
    завершення підключення через аварійне за
    закрытие подключения из-за краха другого
    中断联接, 因为其它服务器进程崩
    他のサーバープロセスがクラッシュ
    다른 서버 프로세스가 손상을
idle_timeout
    Verbindung wird abgebrochen wegen Zeitüb
    arrêt des connexions suite à l'expiratio
    idle-in-transaction 시간
    idle-session 시간
    la connessione è stata terminata a causa di timeout di inatt
    stänger anslutning på grund av idle-sess
    terminando la conexión debido a que se a
    terminazione della connessione a causa del timeout della ses
    terminerar anslu
    завершення підключення через тайм-аут бе
    завершення підключення через тайм-аут не
    закрытие подключения из-за т
    アイドルセッションタイムアウトに
    トランザクション中アイドルタイム
    由于空载事务超时而终止连接
no_such_database
    "%" 데이터베이스는 현재
    % 데이터베이스가 없음
    Datenbank »%« a
    databasen "%" t
    il database "%" attua
    la base de datos «%» no ace
    la base de données « % » n'accepte plus
    база "%" не принимает
    база даних "%" не при
    база даних % не
    ბაზა "%" ამჟამა
    ბაზა არ არსებობს
    データベース % は存在しませ
    数据库 "%" 当前不接受联接
    数据库%不存在
    現在データベース"%"は接続を
no_such_role
    "%" 롤(role) 없음
    il ruolo "%" non può essere eliminato p
    kann Rolle »%« nicht
    le rôle « % » ne peut pas ê
    no existe el rol «%»
    no se puede eliminar el rol
    rollen "%" kan inte t
    роль "%" не можна вид
    роль "%" нельзя
    როლის ("%") წაშლა შეუ
    他のオブジェクトが依存しています
    无法删除"%"因为有其它对象倚
    기타 다른 개체들이 이 롤에
"""
